import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceView } from '../controller/api/contract.ts'
import { run } from '../controller/cli/program.ts'
import { type Controller, startController } from '../controller/controller.ts'
import { temporaryDirectory } from './services/directory.ts'

// Held deletions with the real controller and real feed processes. The tests tell one story, in order.

const root = resolve(import.meta.dirname, '..')
const data = join(root, 'examples/data')

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let manifests: string
let texts: Record<'demo' | 'other', string>
let controller: Controller

beforeAll(async () => {
  directory = await temporaryDirectory('feedctl-approve')
  manifests = join(directory.path, 'manifests')
  await cp(join(root, 'examples/quickstart'), manifests, { recursive: true })
  const demo = (await readFile(fileOf('feed'), 'utf8')).replace('standby: warm', 'standby: cold')
  texts = { demo, other: demo.replace('name: demo', 'name: other') }
  await rm(fileOf('feed'))
  await declare('demo', 'other')
  controller = await start()
})

afterAll(async () => {
  await controller?.stop({ feeds: 'stop' })
  await directory?.remove()
})

describe('deletions of most feeds', () => {
  it('are held: the feeds run on, and status says so first', async () => {
    for (const feed of ['demo', 'other']) expect(await feedctl('rollout', feed, '--timeout', '60s')).toMatchObject({ code: 0 })
    for (const feed of ['demo', 'other']) await rm(fileOf(feed))
    const { feeds } = await held()
    expect(feeds).toEqual(['quickstart/demo', 'quickstart/other'])
    const { code, out } = await feedctl('status')
    expect(code).toBe(1)
    expect(out.split('\n')[1]).toMatch(
      /^✗ held {3}2 feeds are no longer declared .*: quickstart\/demo, quickstart\/other; .*`feedctl approve`/,
    )
    await until(async () => (await feedctl('describe', 'feed', 'demo')).out.includes('DeletionHeld'))
    expect(await metric('feedplane_source_held_deletions')).toBe(2)
  })

  it('are held by the next controller too', async () => {
    const { digest } = await held()
    await controller.stop()
    controller = await start()
    expect(await held()).toMatchObject({ digest, feeds: ['quickstart/demo', 'quickstart/other'] })
    expect(await feedctl('approve')).toMatchObject({
      code: 2,
      out: 'Feed quickstart/demo\nFeed quickstart/other\n',
      err: expect.stringContaining(`feedctl approve ${digest}`),
    })
  })

  it('end when the files are back', async () => {
    await declare('demo', 'other')
    await until(async () => (await source()).held === undefined)
    expect(await feedctl('approve')).toMatchObject({ code: 0, out: 'nothing is held\n' })
    for (const feed of ['demo', 'other']) expect(await feedctl('rollout', feed, '--timeout', '60s')).toMatchObject({ code: 0 })
  })

  it('are carried out when exactly they are approved', async () => {
    for (const feed of ['demo', 'other']) await rm(fileOf(feed))
    const { digest } = await held()
    expect(await feedctl('approve', '0123456789ab')).toMatchObject({ code: 4, err: expect.stringContaining(digest) })
    expect(await feedctl('approve', digest, '--by', 'alice')).toEqual({
      code: 0,
      out: '- Feed/quickstart/demo\n- Feed/quickstart/other\n',
      err: '',
    })
    await until(async () => (await feedctl('events')).out.split('nothing of the feed is left').length === 3)
    expect((await feedctl('events')).out).toContain(`alice approved ${digest}: 2 feeds go: quickstart/demo, quickstart/other`)
    expect(await metric('feedplane_source_held_deletions')).toBe(0)
  })
})

function start(): Promise<Controller> {
  return startController({
    ...{ manifests, stateDirectory: directory.path, dataDirectory: data, secretsDirectory: join(manifests, 'secrets') },
    ...{ dockerConfigFile: undefined, installationDirectory: root, environment: {} },
    listen: { host: '127.0.0.1', port: 0 },
    ...{ concurrency: 2, resyncMs: 2000, version: 'test' },
    log: pino({ level: 'silent' }),
  })
}

const fileOf = (feed: string) => join(manifests, `${feed}.yaml`)

async function declare(...feeds: (keyof typeof texts)[]): Promise<void> {
  for (const feed of feeds) await writeFile(fileOf(feed), texts[feed])
}

async function source(): Promise<SourceView> {
  return (await (await fetch(`${controller.url}/api/v1/source`)).json()) as SourceView
}

async function held(): Promise<NonNullable<SourceView['held']>> {
  await until(async () => ((await source()).held?.feeds.length ?? 0) === 2)
  return (await source()).held as NonNullable<SourceView['held']>
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${controller.url}/metrics`)).text()
  return Number(text.match(new RegExp(`^${name} (\\d+)$`, 'm'))?.[1])
}

const until = (condition: () => Promise<boolean>) => expect.poll(condition, { timeout: 60_000, interval: 50 }).toBe(true)

async function feedctl(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' }
  const code = await run(args, {
    terminal: {
      out: chunk => {
        written.out += chunk
      },
      err: chunk => {
        written.err += chunk
      },
      ...{ outColour: false, errColour: false, outInteractive: false, errInteractive: false, now: Date.now },
    },
    signal: AbortSignal.timeout(100_000),
    newToken: () => new Date().toISOString(),
    defaults: { server: controller.url, manifests: undefined, namespace: undefined, data },
    environment: {},
    directory: directory.path,
  })
  return { code, ...written }
}
