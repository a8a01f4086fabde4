// needs: docker
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect } from 'vitest'
import { edit } from '../mainjob/edit.ts'
import { sumOf } from '../mainjob/sample.ts'
import { until } from '../services/deadline.ts'
import { type Ground, openGround } from './ground.ts'
import { atRest } from './invariants.ts'
import { conditionOf, isReady, untilRuns, untilTold } from './observation.ts'
import { row } from './row.ts'
import { openWorld, type World } from './world.ts'

// Faults of what is on the engine: strangers, drift, images that fail. The machine's own engine is not harmed.

/** Beyond the 256 events that the engine keeps. */
const floodSignals = 320
const floodBatch = 16

/** Host, profile, set, two accounts and a feed. */
const maxObjects = 6

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
}, 300_000)

afterAll(() => ground?.stop(), 60_000)

const open = (change: { deadline?: string; stopGrace?: string; strategy?: 'Handover' | 'Recreate' } = {}): Promise<World> => {
  const { engine, images, namespace } = ground
  return openWorld({ docker: engine.docker, declaration: { namespace: namespace(), image: images.base, ...change } })
}

row(
  {
    number: 7,
    fault: 'the name of the container is a stranger’s',
    injected: '`docker run --name` of the name that the next revision wants',
    holds: 'NameTaken, the stranger and what serves run on untouched; once the name is free the edit is carried out by itself',
  },
  open,
  async ({ world, settled }) => {
    const { docker, namespace } = world
    await settled()
    const stranger = `${namespace}-feed-r2`
    await docker('run', '--detach', '--name', stranger, 'busybox:1.36', 'sleep', '600')
    const state = () => docker('inspect', '--format', '{{.Id}} {{.Name}} {{json .State}}', stranger)
    const was = await state()
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.other}`)
    await untilTold(world, 'NameTaken')
    await world.controller.looks(4)
    expect(await state()).toBe(was)
    await docker('rm', '--force', stranger)
    await untilRuns(world, ground.images.other)
  },
)

row(
  {
    number: 4,
    fault: 'a flood of events',
    injected: `${floodSignals} signals (SIGCONT) to the feed’s container, each of them an event of it, and a \`docker stop\` in their midst`,
    holds: 'never more keys in the queue than there are objects; the stop is repaired',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const name = await onlyName(world)
    const depths: number[] = []
    for (let sent = 0; sent < floodSignals; sent += floodBatch) {
      const signal = () => world.docker('kill', '--signal', 'CONT', name).catch(() => 'it is stopped')
      await Promise.all(Array.from({ length: floodBatch }, signal))
      depths.push(sumOf(await world.controller.metrics(), 'feedplane_queue_keys'))
      if (sent === floodSignals / 2) await world.docker('stop', '--time', '5', name)
    }
    expect(Math.max(...depths)).toBeLessThanOrEqual(maxObjects)
    await until('the feed to be Ready', () => isReady(world), 60_000)
  },
)

row(
  {
    number: 17,
    fault: 'port or network is gone',
    injected: 'the feed stopped while no controller runs, its port bound by the test, then its network removed',
    holds: 'the same container runs again, on another port, and on a network that is made again',
  },
  open,
  async ({ world, settled }) => {
    const { controller, docker, namespace } = world
    await settled()
    const name = await onlyName(world)
    const network = `${namespace}-net`
    const port = Number((await docker('port', name)).split(':').at(-1))
    await controller.kill()
    await docker('stop', '--time', '5', name)
    const taker = createServer().listen(port, '127.0.0.1')
    await once(taker, 'listening')
    await controller.start()
    await until('the feed to run', async () => (await world.containers())[0]?.State === 'running', 60_000)
    await until('the feed to be Ready', () => isReady(world), 60_000)
    expect(await docker('port', name)).not.toContain(`:${port}`)
    taker.close()
    await controller.kill()
    await docker('stop', '--time', '5', name)
    await docker('network', 'rm', network)
    await controller.start()
    await until('the feed to run', async () => (await world.containers())[0]?.State === 'running', 60_000)
    await until('the feed to be Ready', () => isReady(world), 60_000)
    expect(await onlyName(world)).toBe(name)
    expect(await docker('network', 'inspect', '--format', '{{range .Containers}}{{.Name}}{{end}}', network)).toBe(name)
  },
  180_000,
)

row(
  {
    number: 9,
    fault: 'drift by hand',
    injected: '`docker stop`, `docker rm -f`, `docker rename`',
    holds: 'each is repaired by 2, 3 and 1 writes, once',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const cases: [args: string[], writes: number][] = [
      [['stop', '--time', '5', 'NAME'], 2],
      [['rm', '--force', 'NAME'], 3],
      [['rename', 'NAME', `${world.namespace}-stray`], 1],
    ]
    for (const [args, writes] of cases) await driftAndRepair(world, args, writes)
  },
)

async function driftAndRepair(world: World, args: string[], writes: number): Promise<void> {
  const { controller, docker } = world
  const name = await onlyName(world)
  const before = await controller.writes()
  await controller.frozen(() => docker(...args.map(arg => (arg === 'NAME' ? name : arg))))
  await until('the repair', async () => (await controller.writes()).engine > before.engine)
  await until('the feed to be Ready', () => isReady(world))
  await controller.looks(3)
  expect(await onlyName(world)).toBe(name)
  expect(await controller.writes()).toEqual({ engine: before.engine + writes, feed: before.feed })
}

row(
  {
    number: 10,
    fault: 'a crash loop',
    injected: 'an image whose entry point is `exit 1`',
    holds: 'CrashLoop, rolled back to the last good container, not tried again',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const was = await onlyName(world)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.crashing}`)
    await untilCondition(world, 'RolledBack', 'CrashLoop')
    await until('the last good one alone', async () => (await onlyName(world)) === was)
    await expectNoWrites(world)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.base}`)
  },
)

row(
  {
    number: 11,
    fault: 'a feed that ignores SIGTERM',
    injected: 'an image whose entry point traps it, replaced by another',
    holds: 'SIGKILL after the grace time: exit code 137 of the old container, and the new one alone',
  },
  () => open({ stopGrace: '2s' }),
  async ({ world, settled }) => {
    await until('the feed to be Ready', () => isReady(world), 60_000)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.deaf}`)
    await untilRuns(world, ground.images.deaf)
    await settled()
    const deaf = await onlyName(world)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.other}`)
    await untilRuns(world, ground.images.other)
    const events = await exitCodes(world, deaf)
    expect(events).toEqual(['137'])
  },
)

/** Exit codes with which the containers of a name have died, by the engine's own record. */
async function exitCodes({ docker }: World, name: string): Promise<string[]> {
  const filters = ['--filter', `container=${name}`, '--filter', 'event=die']
  const format = ['--format', '{{index .Actor.Attributes "exitCode"}}']
  const now = String(Math.ceil(Date.now() / 1000))
  return (await docker('events', '--since', '10m', '--until', now, ...filters, ...format)).split('\n').filter(line => line !== '')
}

row(
  {
    number: 12,
    fault: 'a revision that never gets healthy',
    injected: 'an image with a failing health check that never answers; strategy Handover',
    holds: 'ProgressDeadlineExceeded; the old container was never stopped; not tried again',
  },
  () => open({ deadline: '8s', strategy: 'Handover' }),
  async ({ world, settled }) => {
    await settled()
    const was = await startOf(world)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.unhealthy}`)
    await untilCondition(world, 'RolledBack', 'ProgressDeadlineExceeded')
    await until('the old one alone', async () => (await onlyName(world)) !== undefined)
    expect(await startOf(world)).toBe(was)
    await expectNoWrites(world)
    edit(world.feedFile, /image: \S+/, `image: ${ground.images.base}`)
  },
)

/** Id of the only container, and when it was started. */
async function startOf(world: World): Promise<string> {
  return world.docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', await onlyName(world))
}

async function expectNoWrites(world: World): Promise<void> {
  const { controller } = world
  await atRest(world)
  const writes = await controller.writes()
  await controller.looks(6)
  expect(await controller.writes()).toEqual(writes)
}

/** Name of the one container that there is in the end. */
async function onlyName({ containers }: World): Promise<string> {
  return until('one container', async () => {
    const [first, ...others] = await containers()
    return others.length === 0 ? first?.Names : undefined
  })
}

async function untilCondition(world: World, type: string, reason: string): Promise<void> {
  await until(`${type} with ${reason}`, async () => (await conditionOf(world, type))?.reason === reason, 90_000)
}
