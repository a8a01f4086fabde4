// needs: docker
import { afterAll, beforeAll, expect } from 'vitest'
import { type SocketProxy, startSocketProxy } from '../engine-proxy.ts'
import { edit } from '../mainjob/edit.ts'
import { sumOf } from '../mainjob/sample.ts'
import { until } from '../services/deadline.ts'
import { type Ground, openGround } from './ground.ts'
import { isReady, untilRuns } from './observation.ts'
import { row } from './row.ts'
import { openWorld, type World } from './world.ts'

// Faults between controller and engine. The controller reaches the engine through a proxy; the test asks the engine itself.

let ground: Ground
let proxy: SocketProxy

beforeAll(async () => {
  ground = await openGround()
  proxy = await startSocketProxy(ground.engine.socket)
}, 300_000)

afterAll(async () => {
  await proxy?.stop()
  await ground?.stop()
}, 60_000)

const open = (): Promise<World> => {
  const { engine, images, namespace } = ground
  proxy.heal()
  const declaration = { namespace: namespace(), image: images.base, endpoint: `unix://${proxy.path}` }
  return openWorld({ docker: engine.docker, declaration })
}

const calls = async ({ controller }: World, labels: Record<string, string>): Promise<number> =>
  sumOf(await controller.metrics(), 'feedplane_engine_calls_total', labels)

row(
  {
    number: 2,
    fault: 'the answer to a call is lost',
    injected: 'a proxy breaks the connection after the engine took `/containers/create`, then after `/start`',
    holds: 'it looks again: the new revision in one container, no second creation left behind',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const images = [ground.images.other, ground.images.base]
    for (const [index, request] of ['/containers/create', '/start'].entries()) {
      const failedBefore = await failures(world)
      proxy.cutAfter(request)
      edit(world.feedFile, /image: \S+/, `image: ${images[index]}`)
      await until(`${request} to fail`, async () => (await failures(world)) > failedBefore)
      proxy.heal()
      await untilRuns(world, String(images[index]))
    }
  },
)

/** Calls that write and have failed. */
const failures = async (world: World): Promise<number> =>
  (await calls(world, { mode: 'write' })) - (await calls(world, { mode: 'write', result: 'ok' }))

row(
  {
    number: 3,
    fault: 'the engine’s events fall silent',
    injected: 'a proxy swallows what `/events` answers, connections stay open; `docker rm -f`',
    holds: 'the look by resync (0.5 s here, 10 s by default) repairs it',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    proxy.silence('/events')
    const before = await world.controller.writes()
    const [container] = await world.containers()
    await world.docker('rm', '--force', String(container?.Names))
    await until('the repair', async () => (await world.controller.writes()).engine > before.engine)
    await until('the feed to be Ready', () => isReady(world), 60_000)
    proxy.heal()
  },
)

row(
  {
    number: 8,
    fault: 'a removal that is slow',
    injected: 'a proxy holds each DELETE for 5 s',
    holds: 'one removal is under way and is waited for; the old container goes, the new one stays',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const removals = await calls(world, { call: 'remove' })
    proxy.delay('DELETE ', 5000)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.other}`)
    await untilRuns(world, ground.images.other)
    await until('the old container to be gone', async () => (await world.containers()).length === 1, 60_000)
    await world.controller.looks(3)
    expect((await calls(world, { call: 'remove' })) - removals).toBe(1)
    proxy.heal()
  },
)
