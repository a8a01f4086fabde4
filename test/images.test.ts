// needs: docker, registry
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BuiltImage, buildImages } from '../compose/image.ts'
import { until } from './services/deadline.ts'
import { type Docker, startDocker } from './services/docker.ts'
import { type Registry, startRegistry } from './services/registry.ts'

const hardened = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--pids-limit=64', '--tmpfs=/tmp']

let engine: Docker
let registry: Registry
let feed: BuiltImage
let controller: BuiltImage

beforeAll(async () => {
  ;[engine, registry] = await Promise.all([startDocker(), startRegistry()])
  await engine.ensureImage('node:24-bookworm-slim')
  const caFile = process.env.NODE_EXTRA_CA_CERTS || undefined
  const signal = AbortSignal.timeout(300_000)
  const images = await buildImages({ tag: engine.project, push: registry.host, caFile, signal })
  if (images[0] === undefined || images[1] === undefined) throw new Error('two images are built')
  ;[feed, controller] = [images[0], images[1]]
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
