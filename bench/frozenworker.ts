import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGround } from '../test/faults/ground.ts'
import { manifestsOf } from '../test/faults/manifest.ts'
import { isReady } from '../test/faults/observation.ts'
import { openWorld, type World } from '../test/faults/world.ts'
import { edit } from '../test/mainjob/edit.ts'
import { until } from '../test/services/deadline.ts'
import { startSecondDocker } from '../test/services/seconddocker.ts'
import { interleaved, timed } from './sample.ts'

// Two engines in a network namespace of their own, started by frozen.ts: what feeds publish on the machine's own engine is not reached from
// there, and beside that engine no other can be.

const rounds = 10
const diskBytes = 1_500_000_000
const readyMs = 90_000

/** ms of each edit, by whether the other engine was frozen. */
export type FrozenReport = Record<'alone' | 'beside', number[]>

type Engine = Awaited<ReturnType<typeof startSecondDocker>>

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.stdout.write(`${JSON.stringify(await measure(stop.signal))}\n`)

async function measure(signal: AbortSignal): Promise<FrozenReport> {
  const ends: (() => Promise<unknown>)[] = []
  try {
    const { images, namespace, stop: leave } = await openGround()
    ends.push(leave)
    const start = async () => {
      const engine = await startSecondDocker(diskBytes)
      ends.push(() => engine.stop())
      return engine
    }
    const [here, there] = [await start(), await start()]
    await here.load(images.base)
    await here.load(images.other)
    await there.load(images.base)
    const world = await openBoth(here, there, images.base, namespace)
    ends.push(() => world.close())
    return await measureTurns(world, there, [images.base, images.other], signal)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** One feed on each engine, under one controller; the first is the one that is edited. */
async function openBoth(here: Engine, there: Engine, image: string, namespace: () => string): Promise<World> {
  const [near, far] = [namespace(), namespace()]
  const world = await openWorld({ docker: here.docker, declaration: { namespace: near, image, endpoint: here.endpoint } })
  for (const [name, text] of Object.entries(manifestsOf({ namespace: far, image, endpoint: there.endpoint })))
    writeFileSync(join(world.manifests, `second-${name}`), text)
  // Recorded ticks come by the second: at their own pace a rollout would wait for one or two of them.
  for (const name of ['rest.yaml', 'second-rest.yaml']) edit(join(world.manifests, name), 'replay: {', 'replay: {speed: 20, ')
  const both = { ...world, keys: [...world.keys, `${far}/feed`] }
  await until('both feeds to be Ready', () => isReady(both), readyMs)
  return both
}

async function measureTurns(
  world: World,
  there: Engine,
  [base, other]: [string, string],
  signal: AbortSignal,
): Promise<FrozenReport> {
  const [key = ''] = world.keys
  let runs = base
  const change = () =>
    timed(async () => {
      runs = runs === base ? other : base
      const { state } = await world.controller.settle(key, () => edit(world.feedFile, /image: \S+/, `image: ${runs}`))
      if (state !== 'done') throw new Error(`the feed is not Ready:\n${world.controller.log.slice(-2000)}`)
    })
  const contenders = {
    alone: change,
    beside: async () => {
      there.freeze()
      try {
        return await change()
      } finally {
        there.thaw()
        await until('the other engine to be seen again', () => isReady(world), readyMs)
      }
    },
  }
  await interleaved(1, contenders, signal)
  return interleaved(rounds, contenders, signal)
}
