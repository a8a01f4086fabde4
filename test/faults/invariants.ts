import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { ResourceView } from '../../controller/api/contract.ts'
import type { FeedStatus } from '../../crds/feed.ts'
import { sumOf } from '../mainjob/sample.ts'
import { until } from '../services/deadline.ts'
import { isReady } from './observation.ts'
import { type Usage, usageOf } from './usage.ts'
import type { World } from './world.ts'

/** Connections that HTTP keeps open, which come and go: three a feed, and the engine's. */
const descriptorMargin = 12

/** What the collector has not collected yet: a young generation and the code of paths that the fault was the first to take. */
const memoryMarginBytes = 64 * 1024 * 1024

/** Calls to engines a second, in the fault too. A look is about four calls, and there are two a second and feed. */
const maxCallsPerSecond = 30

/** Calls that a rollout or a repair takes beyond that. */
const maxExtraCalls = 300

/** What a world was at rest before the fault. */
export type Settlement = { usage: Usage; stranger: string; pid: number; calls: number; at: number }

/** Waits until every feed is Ready and the controller at rest, and starts a stranger that nobody may touch. */
export async function settlementOf(world: World): Promise<Settlement> {
  await until('the feeds to be Ready', () => isReady(world), 90_000)
  const { controller, docker, keys } = world
  await docker('run', '--detach', '--init', '--name', strangerOf(world), 'busybox:1.36', 'sleep', '3600')
  await controller.looks(4, keys.length)
  return {
    usage: usageOf(controller.pid),
    stranger: await strangerState(world),
    pid: controller.pid,
    calls: await callsOf(world),
    at: performance.now(),
  }
}

/**
 * What must be true after every row: one container and one publisher for each feed, a status that says so, the stranger as it was, no
 * write over three looks, calls to the engine within bounds, and no more descriptors and memory than before the fault.
 */
export async function expectInvariants(world: World, before: Settlement | undefined): Promise<void> {
  const { controller, keys } = world
  for (const key of keys) await until('one container', async () => (await world.containers(key)).length === 1)
  await atRest(world)
  for (const key of keys) await expectOnePublisher(world, key)
  if (before === undefined) return
  expect(await strangerState(world)).toBe(before.stranger)
  const sinceS = (performance.now() - before.at) / 1000
  const calls = (await callsOf(world)) - (controller.pid === before.pid ? before.calls : 0)
  expect(calls).toBeLessThan(maxExtraCalls + sinceS * maxCallsPerSecond * keys.length)
  await until('descriptors and memory to be back', () => isBack(usageOf(controller.pid), before.usage))
}

/** Waits until four looks at every feed made no write: a status of before may say Ready while the last steps are under way. */
export async function atRest({ controller, keys }: World): Promise<void> {
  await until('four looks without a write', async () => {
    const before = await controller.writes()
    await controller.looks(4, keys.length)
    return isDeepStrictEqual(await controller.writes(), before)
  })
}

/** One container, which runs; one open gate, of the account that the status names. */
export async function expectOnePublisher({ containers, controller }: World, key: string): Promise<void> {
  const states = (await containers(key)).map(({ Names, State }) => `${Names} ${State}`)
  const { status } = (await controller.view(key)) as ResourceView & { status: FeedStatus }
  expect(states).toEqual([`${status.container} running`])
  const open = (status.sessions ?? []).filter(({ gate }) => gate === 'open').map(({ account }) => account)
  expect(open).toEqual([status.active])
}

function isBack(now: Usage, before: Usage): boolean {
  const { descriptors, memoryBytes } = now
  if (descriptors <= before.descriptors + descriptorMargin && memoryBytes <= before.memoryBytes + memoryMarginBytes) return true
  throw new Error(`${JSON.stringify(now)} against ${JSON.stringify(before)} before the fault`)
}

const strangerOf = ({ namespace }: World): string => `${namespace}-stranger`

const strangerState = (world: World): Promise<string> =>
  world.docker('inspect', '--format', '{{.Id}} {{.Name}} {{json .Config.Labels}}', strangerOf(world))

/** All calls to engines since the controller's start. */
async function callsOf({ controller }: World): Promise<number> {
  return sumOf(await controller.metrics(), 'feedplane_engine_calls_total')
}
