import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { objectsOf } from '../controller/consistency/input.ts'
import { directorySource } from '../controller/sources/directory.ts'
import { memoryLastGood } from '../controller/sources/lastgood.ts'
import type { Snapshot } from '../controller/sources/source.ts'
import { formatProblem, validatePaths } from '../controller/sources/validation.ts'

const root = resolve(import.meta.dirname, '..')
const environments = ['dev', 'staging', 'production']
const folder = (environment: string) => join(root, 'manifests', environment)

/** What differs between environments because it must; everything else is the same in all of them. */
const allowed: Record<string, RegExp> = {
  'the environment itself': /^[^.]+\.metadata\.namespace$/,
  'host: the engine and how it is reached': /^Host\/here\.spec\.engine\b/,
  'image by digest': /^Feed\/ctp-futures\.spec\.image$/,
  'accounts: where they log in, and where their secrets are':
    /^FeedProfile\/day-night\.spec\.gateway\b|^Credentials\/[^.]+\.spec\b/,
  'the simulator of dev has no hours': /^FeedProfile\/day-night\.spec\.calendar\b|^FailoverDrill\/after-close\.spec\.market$/,
  sizes:
    /^Feed\/ctp-futures\.spec\.container\b|^FeedProfile\/day-night\.spec\.publish\.maxBytes$|^SubscriptionSet\/[^.]+\.spec\.limit$/,
}

const allowedVariables: Record<string, RegExp> = {
  'the environment itself': /^(FEEDPLANE_ENVIRONMENT|COMPOSE_PROFILES)$/,
  images: /_IMAGE$/,
  sizes: /_(CPUS|MEMORY|MAX_FILE|MAX_MEMORY|RETENTION|RETENTION_SIZE)$/,
  'how people reach it': /_URL$/,
}

/** The first snapshot that the controller's own reader takes of a folder. */
async function read(environment: string): Promise<Snapshot> {
  const stop = new AbortController()
  const { promise, resolve: taken } = Promise.withResolvers<Snapshot>()
  const source = directorySource({ path: folder(environment), lastGood: memoryLastGood() })
  const running = source.run(taken, stop.signal)
  const snapshot = await promise
  stop.abort()
  await running
  return snapshot
}

/** `Kind/name.path.to.member` to its value, as JSON. */
function flatten({ objects }: Snapshot): Map<string, string> {
  const members = new Map<string, string>()
  const add = (path: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) members.set(path, JSON.stringify(value))
    else for (const [name, member] of Object.entries(value)) add(`${path}.${name}`, member)
  }
  for (const { resource } of objects.values()) add(`${resource.kind}/${resource.metadata.name}`, resource)
  return members
}

function differences(a: Map<string, string>, b: Map<string, string>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter(path => a.get(path) !== b.get(path)).sort()
}

const variables = (environment: string): Map<string, string> =>
  new Map(Object.entries(parseEnv(readFileSync(join(folder(environment), 'stack.env'), 'utf8')) as Record<string, string>))

describe.each(environments)('the environment %s', environment => {
  it('is right by itself, and complete', async () => {
    const { problems, warnings, objects } = await validatePaths([folder(environment)], {
      dataDirectory: join(root, 'examples/data'),
      env: {},
      relativeTo: root,
    })
    expect([...problems, ...warnings].map(formatProblem)).toEqual([])
    const kinds = new Set([...objects.values()].map(({ resource }) => resource.kind))
    expect([...kinds].sort()).toEqual(['Credentials', 'FailoverDrill', 'Feed', 'FeedProfile', 'Host', 'Stack', 'SubscriptionSet'])
    expect(new Set([...objects.values()].map(({ resource }) => resource.metadata.namespace))).toEqual(new Set([environment]))
  })

  it('is read by the controller as it is', async () => {
    const { problems, complete, objects } = await read(environment)
    expect({ problems, complete, count: objects.size }).toEqual({ problems: [], complete: true, count: 9 })
  })

  it('has a stack whose files are there', async () => {
    const [stack] = objectsOf(await read(environment), 'Stack')
    const { files = [], envFile = '' } = stack?.resource.spec ?? {}
    const paths = [...files, envFile].map(path => resolve(folder(environment), path))
    expect(paths).toEqual([join(root, 'compose/docker-compose.yml'), join(folder(environment), 'stack.env')])
    expect(paths.filter(path => !existsSync(path))).toEqual([])
  })

  it('names itself to the stack, and runs by digest where it is not for development', () => {
    const of = variables(environment)
    expect(of.get('FEEDPLANE_ENVIRONMENT')).toBe(environment)
    const images = [...of].filter(([name]) => name.endsWith('_IMAGE')).map(([, image]) => image)
    expect(images).toHaveLength(3)
    if (environment !== 'dev') expect(images.filter(image => !/:[^:@]+@sha256:[0-9a-f]{64}$/.test(image))).toEqual([])
  })
})

describe.each([
  ['dev', 'staging'],
  ['staging', 'production'],
  ['dev', 'production'],
])('%s and %s', (one, other) => {
  it('declare the same but for what must differ', async () => {
    const found = differences(flatten(await read(one)), flatten(await read(other)))
    expect(found.filter(path => !Object.values(allowed).some(pattern => pattern.test(path)))).toEqual([])
    expect(found).toContain('Feed/ctp-futures.spec.image')
  })

  it('give the stack the same variables but for what must differ', () => {
    const found = differences(variables(one), variables(other))
    expect(found.filter(name => !Object.values(allowedVariables).some(pattern => pattern.test(name)))).toEqual([])
  })
})

it('staging differs from production in no hour of the market', async () => {
  const found = differences(flatten(await read('staging')), flatten(await read('production')))
  expect(found.filter(path => allowed['the simulator of dev has no hours']?.test(path))).toEqual([])
})
