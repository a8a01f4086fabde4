// needs: docker, registry
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type SocketProxy, startSocketProxy } from '../engine-proxy.ts'
import { edit } from '../mainjob/edit.ts'
import { sumOf } from '../mainjob/sample.ts'
import { until } from '../services/deadline.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { freePorts } from '../services/port.ts'
import { type Registry, startRegistry } from '../services/registry.ts'
import { buildImage, type Ground, openGround } from './ground.ts'
import { conditionOf, untilRuns } from './observation.ts'
import { row } from './row.ts'
import { openWorld, type World } from './world.ts'

// Faults of the registry: a real one with a login, behind a proxy on a port of its own.

const login = { user: 'puller', password: 'right' }
const blobBytes = 4_000_000

let ground: Ground
let registry: Registry
let proxy: SocketProxy
/** Host of the registry as images name it: the proxy. */
let host: string
let folder: Awaited<ReturnType<typeof temporaryDirectory>>

beforeAll(async () => {
  ;[ground, registry, folder] = await Promise.all([openGround(), startRegistry(login), temporaryDirectory('logins')])
  const [port = 0] = await freePorts(1)
  host = `127.0.0.1:${port}`
  proxy = await startSocketProxy({ port: Number(registry.host.split(':')[1]), host: '127.0.0.1' }, port)
  await writeLogin('right', login.password)
}, 300_000)

afterAll(async () => {
  await proxy?.stop()
  await registry?.stop()
  await ground?.stop()
  await folder?.remove()
}, 60_000)

/** A DOCKER_CONFIG folder. */
async function writeLogin(name: string, password: string): Promise<string> {
  const path = join(folder.path, name)
  await mkdir(path, { recursive: true })
  const auth = Buffer.from(`${login.user}:${password}`).toString('base64')
  await writeFile(join(path, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 })
  return path
}

const open = async (password = login.password, deadline = '60s'): Promise<World> => {
  const { engine, images, namespace } = ground
  proxy.heal()
  const env = { DOCKER_CONFIG: await writeLogin(`of-${password}`, password) }
  return openWorld({ docker: engine.docker, declaration: { namespace: namespace(), image: images.base, deadline }, env })
}

/** Pushes an image with a layer of its own and removes it from the engine; answers its digest. */
async function push(name: string, reference: string): Promise<string> {
  const { engine, images } = ground
  const text = `FROM ${images.base}\nRUN head -c ${blobBytes} /dev/urandom > /tmp/${name}\n`
  await buildImage(engine, join(folder.path, `context-${name}`), reference, text)
  await engine.docker('--config', join(folder.path, 'right'), 'push', '--quiet', reference)
  const digest = await engine.docker('inspect', '--format', '{{index .RepoDigests 0}}', reference)
  await engine.docker('image', 'rm', reference)
  return digest.slice(digest.indexOf('@') + 1)
}

const repository = (): string => `${host}/${ground.engine.project}/feed`

/** Ids of what runs, and since when. */
async function running(world: World): Promise<string> {
  const ids = (await world.containers()).filter(({ State }) => State === 'running').map(({ ID }) => ID)
  return world.docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', ...ids)
}

const pulls = async ({ controller }: World): Promise<number> =>
  sumOf(await controller.metrics(), 'feedplane_engine_calls_total', { call: 'pullImage' })

row(
  {
    number: 13,
    fault: 'the registry is down, then breaks off',
    injected: 'a proxy before it refuses every connection, then breaks each after 1 MB of a layer of 4 MB',
    holds: 'the old container runs on untouched; the pull is tried again every 10 s, and the edit carried out in the end',
  },
  () => open(login.password, '250s'),
  async ({ world, settled }) => {
    const image = `${repository()}:down`
    await push('down', image)
    await settled()
    const was = await running(world)
    proxy.truncate(0)
    edit(world.feedFile, /image: \S+/, `image: ${image}`)
    const refused = await pulls(world)
    await until('two pulls that fail', async () => (await pulls(world)) >= refused + 2, 60_000)
    expect(await running(world)).toBe(was)
    proxy.truncate(1_000_000)
    const before = await pulls(world)
    // The engine itself tries a broken layer five times, each from where it broke off.
    await until('the pull to end', async () => (await pulls(world)) > before, 120_000)
    proxy.heal()
    await untilRuns(world, image)
  },
  300_000,
)

row(
  {
    number: 14,
    fault: 'a tag is moved, a digest is wrong',
    injected: 'another image pushed by the same tag; an edit to NAME@sha256 of the first, and to a digest that no image has',
    holds:
      'nothing happens on a moved tag; the digest of the first is what runs already, and its container stays; the wrong one is refused with ImageNotFound, what serves goes on',
  },
  () => open(),
  async ({ world, settled }) => {
    const tag = `${repository()}:moved`
    const first = await push('first', tag)
    edit(world.feedFile, /image: \S+/, `image: ${tag}`)
    await untilRuns(world, tag)
    await settled()
    const [was, writes] = [await running(world), await world.controller.writes()]
    expect(await push('second', tag).catch(() => 'in use')).not.toBe(first)
    await world.controller.looks(4)
    expect([await running(world), await world.controller.writes()]).toEqual([was, writes])
    const pinned = `${repository()}@${first}`
    edit(world.feedFile, /image: \S+/, `image: ${pinned}`)
    await untilRuns(world, pinned)
    const serving = await running(world)
    expect(serving).toBe(was)
    edit(world.feedFile, /image: \S+/, `image: ${repository()}@sha256:${'0'.repeat(64)}`)
    await until('ImageNotFound', async () => (await conditionOf(world, 'Stalled'))?.message.includes('ImageNotFound'))
    expect(await running(world)).toBe(serving)
    edit(world.feedFile, /image: \S+/, `image: ${pinned}`)
  },
  180_000,
)

row(
  {
    number: 15,
    fault: 'the login of the registry is wrong',
    injected: 'an htpasswd registry, another password in DOCKER_CONFIG; then the right one and `feedplane.dev/retry`',
    holds: 'RegistryDenied after one pull, which is not repeated; the old container runs on; the retry carries the edit out',
  },
  () => open('wrong'),
  async ({ world, settled }) => {
    const image = `${repository()}:guarded`
    await push('guarded', image)
    await settled()
    const was = await running(world)
    edit(world.feedFile, /image: \S+/, `image: ${image}`)
    await until('RegistryDenied', async () => (await conditionOf(world, 'Stalled'))?.message.includes('RegistryDenied'))
    const pulled = await pulls(world)
    await world.controller.looks(6)
    expect([await pulls(world), await running(world)]).toEqual([pulled, was])
    await writeLogin('of-wrong', login.password)
    edit(world.feedFile, 'metadata: {', "metadata: {annotations: {feedplane.dev/retry: '1'}, ")
    await untilRuns(world, image)
  },
  180_000,
)
