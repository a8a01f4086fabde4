// needs: compose
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const file = join(root, 'compose/docker-compose.yml')
const environments = globSync('manifests/*/stack.env', { cwd: root }).sort()
const machine = { FEEDPLANE_HOME: root, FEEDPLANE_SECRETS: '/etc/feedplane/secrets', DOCKER_GID: '998' }
const socket = '/var/run/docker.sock'
const secretName = /(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY|AUTH_CODE|API_KEY)/

type Service = {
  image: string
  depends_on?: Record<string, unknown>
  user?: string
  read_only?: boolean
  privileged?: boolean
  cap_drop?: string[]
  cap_add?: string[]
  security_opt?: string[]
  environment?: Record<string, string>
  volumes?: { type: string; source?: string; target: string; read_only?: boolean }[]
  ports?: { host_ip?: string }[]
  networks?: Record<string, unknown>
  network_mode?: string
  healthcheck?: { test?: string[]; disable?: boolean }
  logging?: { options?: Record<string, string> }
  deploy?: { resources?: { limits?: { cpus?: number; memory?: string; pids?: number } } }
}

/** What Compose makes of the file with no other environment than this. */
async function compose(env: Record<string, string>, ...args: string[]): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const { stdout } = await run('docker', ['compose', '--file', file, ...args], { env: { PATH, HOME, ...env } })
  return stdout
}

async function servicesOf(environment: string): Promise<[name: string, service: Service][]> {
  const args = ['--env-file', join(root, environment), '--profile', '*', 'config', '--format', 'json']
  return Object.entries((JSON.parse(await compose(machine, ...args)) as { services: Record<string, Service> }).services)
}

/** What no service may be. Each is a sentence, so that a failure reads as one. */
const faults: [sentence: string, found: (service: Service, name: string) => boolean][] = [
  ['runs as root', ({ user }) => user === undefined || /^(0|root)(:|$)/.test(user)],
  ['has a writable root', ({ read_only }) => read_only !== true],
  ['keeps capabilities', ({ cap_drop, cap_add, privileged }) => !cap_drop?.includes('ALL') || !!cap_add || privileged === true],
  ['may gain privileges', ({ security_opt }) => !security_opt?.includes('no-new-privileges:true')],
  ['has a secret in its environment', ({ environment }) => Object.entries(environment ?? {}).some(isSecret)],
  ['has the engine’s socket', ({ volumes }, name) => name !== 'controller' && !!volumes?.some(({ target }) => target === socket)],
  ['writes to a folder of the host', ({ volumes }) => !!volumes?.some(bind => isBind(bind) && bind.read_only !== true)],
  ['has no limit of processor, memory or processes', ({ deploy }) => !isLimited(deploy?.resources?.limits)],
  ['has no limit of its log', ({ logging }) => logging?.options?.['max-size'] === undefined],
  ['has no health check', ({ healthcheck }) => (healthcheck?.test?.length ?? 0) < 2 || healthcheck?.disable === true],
  ['is published beyond loopback', ({ ports }) => !!ports?.some(({ host_ip }) => host_ip !== '127.0.0.1')],
  ['is on no private network', ({ networks, network_mode }) => network_mode !== undefined || 'default' in (networks ?? {})],
  ['has no pinned image', ({ image }) => !/(:[^:/]+|@sha256:[0-9a-f]{64})$/.test(image) || image.endsWith(':latest')],
]

/** A path to where one is kept is none. */
const isSecret = ([name, value]: [string, string]): boolean => secretName.test(name) && !value.startsWith('/')

const isBind = ({ type, target }: { type: string; target: string }): boolean => type === 'bind' && target !== socket

const isLimited = (limits: { cpus?: number; memory?: string; pids?: number } | undefined): boolean =>
  limits?.cpus !== undefined && limits.memory !== undefined && limits.pids !== undefined

it('knows every environment', () => {
  expect(environments).toEqual(['manifests/dev/stack.env', 'manifests/production/stack.env', 'manifests/staging/stack.env'])
})

describe.each(environments)('%s', environment => {
  it('is what Compose accepts, with its own profiles', async () => {
    expect(await compose(machine, '--env-file', join(root, environment), 'config', '--quiet')).toBe('')
  })

  it('makes a valid stack of every service', async () => {
    const names = (await servicesOf(environment)).map(([name]) => name)
    const all = ['alertmanager', 'controller', 'grafana', 'nats', 'prometheus', 'pushgateway', 'simulator']
    expect(names.sort()).toEqual(all)
  })

  it('stops the controller before what it would bring up again', async () => {
    const services = await servicesOf(environment)
    const others = services.map(([name]) => name).filter(name => name !== 'controller')
    expect(Object.keys(Object.fromEntries(services).controller?.depends_on ?? {}).sort()).toEqual(others.sort())
  })

  it('has no service that is more than it needs to be', async () => {
    const services = await servicesOf(environment)
    const found = services.flatMap(([name, service]) =>
      faults.flatMap(([sentence, holds]) => (holds(service, name) ? [`${name} ${sentence}`] : [])),
    )
    expect(found).toEqual([])
  })
})

it('starts nothing while what must be set is not, and says what', async () => {
  await expect(compose({}, 'config', '--quiet')).rejects.toThrow('required variable')
  await expect(compose({ ...machine, CONTROLLER_IMAGE: 'a:1', NATS_IMAGE: 'b:1' }, 'config', '--quiet')).rejects.toThrow(
    'dev, staging or production',
  )
})

it('has each of its variables in .env.example, and none of a secret', () => {
  const named = [...readFileSync(file, 'utf8').matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name)
  const documented = new Set(
    [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name),
  )
  expect(named.filter(name => !documented.has(name))).toEqual([])
  expect(named.filter(name => secretName.test(name ?? '') && name !== 'FEEDPLANE_SECRETS')).toEqual([])
})

it('builds images that are not root, say how they are, and hold no secret', () => {
  const found = globSync('compose/*.Dockerfile', { cwd: root }).flatMap(dockerfile => {
    const last =
      readFileSync(join(root, dockerfile), 'utf8')
        .split(/^FROM /m)
        .at(-1) ?? ''
    const user = /^USER (.*)$/m.exec(last)?.[1]
    return [
      ...(user === undefined || /^(0|root)\b/.test(user) ? [`${dockerfile} runs as root`] : []),
      ...(/^HEALTHCHECK /m.test(last) ? [] : [`${dockerfile} has no health check`]),
      ...(/^(ENV|ARG) .*(PASSWORD|SECRET|TOKEN)/m.test(last) ? [`${dockerfile} has a secret in its environment`] : []),
      ...(/:latest\b/.test(last) ? [`${dockerfile} stands on an image that moves`] : []),
    ]
  })
  expect(found).toEqual([])
})
