// needs: docker, registry
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BuiltImage, buildImages } from '../compose/image.ts'
import type { Desired } from '../crds/contract/desired.ts'
import { publishSchema, queueSchema, rateLimitsSchema, watchdogSchema } from '../crds/feedprofile.ts'
import { until } from './services/deadline.ts'
import { type Docker, startDocker } from './services/docker.ts'
import { type Registry, startRegistry } from './services/registry.ts'

const hardened = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--pids-limit=64', '--tmpfs=/tmp']

let engine: Docker
let registry: Registry
let feed: BuiltImage
let controller: BuiltImage
let nats: BuiltImage

beforeAll(async () => {
  ;[engine, registry] = await Promise.all([startDocker(), startRegistry()])
  await engine.ensureImage('node:24-bookworm-slim')
  const caFile = process.env.NODE_EXTRA_CA_CERTS || undefined
  const signal = AbortSignal.timeout(300_000)
  const images = await buildImages({ tag: engine.project, push: registry.host, caFile, signal })
  if (images[0] === undefined || images[1] === undefined || images[2] === undefined) throw new Error('three images are built')
  ;[feed, controller, nats] = [images[0], images[1], images[2]]
}, 330_000)

afterAll(async () => {
  await engine?.stop()
  await registry?.stop()
})

it('pushes both under the digest that it prints', async () => {
  for (const [name, image] of [['feed', feed] as const, ['controller', controller] as const]) {
    const manifest = await fetch(`${registry.url}/v2/feedplane/${name}/manifests/${image.digest}`, {
      headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    })
    expect([name, manifest.status]).toEqual([name, 200])
  }
})

it('runs both as a user who can write to its volume and nowhere else', async () => {
  const script = 'id -u; touch /var/lib/feedplane/a && echo volume; touch /app/a 2>/dev/null || echo sealed'
  for (const { reference } of [feed, controller]) {
    const output = await runIn(reference, ['--entrypoint=sh'], ['-c', script])
    expect(output.split('\n')).toEqual(['10001', 'volume', 'sealed'])
  }
})

it('builds none that is root, has a writable folder beyond its volume, or holds a secret', async () => {
  for (const { reference } of [feed, controller, nats]) {
    const [user, env] = (await engine.docker('inspect', '--format', '{{.Config.User}}|{{json .Config.Env}}', reference)).split(
      '|',
    )
    expect([reference, user]).toEqual([reference, '10001:10001'])
    const names = (JSON.parse(env ?? '[]') as string[]).map(variable => variable.split('=')[0])
    expect(names.filter(name => /(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY|AUTH_CODE|API_KEY)/.test(name ?? ''))).toEqual([])
    const find = 'find / -xdev -type d \\( -user 10001 -o -group 10001 -o -perm -0002 \\) 2>/dev/null | sort'
    const folders = (await runIn(reference, ['--entrypoint=sh'], ['-c', find])).split('\n').filter(folder => folder !== '')
    const beyond = folders.filter(folder => !/^\/(tmp|var\/tmp|var\/lock|run\/lock|var\/lib\/feedplane|data)$/.test(folder))
    expect([reference, beyond]).toEqual([reference, []])
  }
})

it('keeps the packages’ source, development tools and the other side out', async () => {
  const present = async (image: BuiltImage, paths: string[]) =>
    runIn(image.reference, ['--entrypoint=sh'], ['-c', `ls -d ${paths.join(' ')} 2>/dev/null || true`])
  const unwanted = ['node_modules/vitest', 'node_modules/typescript', 'node_modules/node', 'test', '.npmrc', 'package-lock.json']
  expect(await present(feed, [...unwanted, 'controller', 'node_modules/dockerode'])).toBe('')
  expect(await present(controller, [...unwanted, 'feed/main.ts'])).toBe('')
  const history = await engine.docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', feed.reference)
  expect(history).not.toMatch(/registry=|cafile/)
})

it('is healthy where /healthz answers 200, and unhealthy where it answers another or nobody listens', async () => {
  const probe = async (status: number | undefined) => {
    const server = status === undefined ? 'setTimeout(() => {}, 600000)' : `${answering}.listen(9100)`
    const options = ['--detach', '--health-interval=1s', '--health-start-period=1ms', '--health-retries=1', '--entrypoint=node']
    const id = await runIn(feed.reference, options, ['-e', server.replace('STATUS', String(status))])
    const health = await until('the first probe to be in', async () => {
      const state = await engine.docker('inspect', '--format', '{{.State.Health.Status}}', id)
      return state !== 'starting' && state
    })
    await engine.docker('rm', '--force', id)
    return health
  }
  const answering = 'require("http").createServer((request, response) => response.writeHead(STATUS).end())'
  expect([await probe(200), await probe(503), await probe(undefined)]).toEqual(['healthy', 'unhealthy', 'unhealthy'])
})

it('starts the feed from its volume, pushes recorded ticks, and ends with 0 on a stop', async () => {
  const volume = ['--volume', `${engine.project}-feed:/var/lib/feedplane`]
  await runIn(feed.reference, [...volume, '--entrypoint=node'], ['-e', writeFiles, JSON.stringify(feedFiles())])
  const id = await runIn(feed.reference, ['--detach', ...volume], [])
  const tick = await until('a tick', () => engine.docker('exec', id, 'node', '-e', firstTick))
  expect(JSON.parse(tick)).toMatchObject({ instrument: 'AP010', exchange: 'CZCE', epoch: 1 })
  await until('the container to be healthy', async () => (await stateOf(id)).Health.Status === 'healthy')
  await engine.docker('stop', '--time', '10', id)
  expect(await stateOf(id)).toMatchObject({ ExitCode: 0, OOMKilled: false })
})

it('starts the controller with nothing declared, which feedctl beside it sees', async () => {
  const id = await runIn(controller.reference, ['--detach', '--tmpfs=/manifests'], [])
  await until('the container to be healthy', async () => (await stateOf(id)).Health.Status === 'healthy')
  expect(JSON.parse(await engine.docker('exec', id, 'feedctl', 'get', 'feeds', '--output', 'json'))).toMatchObject({ items: [] })
  await engine.docker('stop', '--time', '10', id)
  expect(await stateOf(id)).toMatchObject({ ExitCode: 0, OOMKilled: false })
})

const writeFiles = `for (const [path, text] of Object.entries(JSON.parse(process.argv[1]))) {
  const file = '/var/lib/feedplane/' + path
  require('fs').mkdirSync(require('path').dirname(file), { recursive: true })
  require('fs').writeFileSync(file, text, { mode: 0o400 })
}`

// The first event with data of the tap's stream.
const firstTick = String.raw`const headers = { authorization: 'Bearer ' + require('fs').readFileSync('/var/lib/feedplane/token', 'utf8') }
fetch('http://127.0.0.1:9100/v1/ticks?instrument=AP010', { headers, signal: AbortSignal.timeout(20000) }).then(async response => {
  let text = ''
  for await (const chunk of response.body) {
    text += Buffer.from(chunk)
    const data = /^data: (.*)\n/m.exec(text)
    if (data) { console.log(data[1]); process.exit(0) }
  }
  process.exit(1)
})`

function feedFiles(): Record<string, string> {
  const secrets = Object.entries({ BROKER_ID: '9999', USER_ID: 'recorded', PASSWORD: 'not-a-real-one' })
  return {
    token: 'a-token-of-this-test-only',
    'desired.json': JSON.stringify(desired()),
    ...Object.fromEntries(secrets.map(([key, value]) => [`secrets/primary/${key}`, value])),
  }
}

const desired = (): Desired => ({
  version: 1,
  feed: 'test/image',
  revision: 1,
  epoch: 1,
  launch: {
    gateway: { type: 'replay', replay: { files: ['ticks/czce-AP010-20200803.csv.gz'], speed: 20, loop: true, skipBreaks: true } },
    publish: publishSchema.parse({ type: 'none' }),
    calendar: { type: 'always' },
    queue: queueSchema.parse({}),
    accounts: ['primary'],
  },
  live: {
    role: 'publisher',
    active: 'primary',
    standby: 'cold',
    rateLimits: rateLimitsSchema.parse({}),
    watchdog: watchdogSchema.parse({}),
    instrumentGroups: [
      {
        ...{ exchange: 'CZCE', product: 'AP', class: 'future', multiplier: 10, priceTick: 1 },
        windows: { day: [['09:00:00', '15:00:00']] },
        instruments: ['AP010'],
      },
    ],
  },
})

type ContainerState = { ExitCode: number; OOMKilled: boolean; Health: { Status: string } }

const stateOf = async (id: string): Promise<ContainerState> =>
  JSON.parse(await engine.docker('inspect', '--format', '{{json .State}}', id))

function runIn(reference: string, options: string[], args: string[]): Promise<string> {
  return engine.docker(
    'run',
    ...(options.includes('--detach') ? [] : ['--rm']),
    '--label',
    engine.label,
    ...hardened,
    ...options,
    reference,
    ...args,
  )
}
