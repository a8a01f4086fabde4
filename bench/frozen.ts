import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ground, openGround } from '../test/faults/ground.ts'
import { manifestsOf } from '../test/faults/manifest.ts'
import { isReady } from '../test/faults/observation.ts'
import { openWorld, type World } from '../test/faults/world.ts'
import { edit } from '../test/mainjob/edit.ts'
import { until } from '../test/services/deadline.ts'
import { type SecondDocker, startSecondDocker } from '../test/services/seconddocker.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { interleaved, median, percentile, timed } from './sample.ts'

const rounds = 10
const secondDiskBytes = 1_500_000_000
const readyMs = 90_000

/** An image edit on one engine, with another engine of the same controller well and frozen in turn. */
export const frozen: Measurement = {
  name: 'frozen',
  about: 'edit of an image on one Docker engine to Ready, while a second engine is frozen',
  needs: ['docker', 'compose'],
  onRequest: true,
  limitMs: 10 * 60_000,
  async measure(signal) {
    const ends: (() => Promise<unknown>)[] = []
    try {
      const ground = await openGround()
      ends.push(() => ground.stop())
      const second = await startSecondDocker(secondDiskBytes)
      ends.push(() => second.stop())
      await second.load(ground.images.base)
      const world = await openBoth(ground, second)
      ends.push(() => world.close())
      return [figureOf(await measureTurns(world, ground, second, signal))]
    } finally {
      for (const end of ends.reverse()) await end()
    }
  },
}

/** One feed on each engine, under one controller; the first is the one that is edited. */
async function openBoth({ engine, images, namespace }: Ground, { docker, endpoint }: SecondDocker): Promise<World> {
  const here = namespace()
  const there = namespace()
  const world = await openWorld({ docker: engine.docker, declaration: { namespace: here, image: images.base } })
  for (const [name, text] of Object.entries(manifestsOf({ namespace: there, image: images.base, endpoint })))
    writeFileSync(join(world.manifests, `second-${name}`), text)
  const close = async () => {
    await world.close()
    const left = (await docker('ps', '--all', '--quiet')).split('\n').filter(id => id !== '')
    if (left.length > 0) await docker('rm', '--force', '--volumes', ...left)
  }
  const both = { ...world, keys: [...world.keys, `${there}/feed`], close }
  await until('both feeds to be Ready', () => isReady(both), readyMs)
  return both
}

async function measureTurns(world: World, { images }: Ground, second: SecondDocker, signal: AbortSignal) {
  const [key = ''] = world.keys
  let runs = images.base
  const change = () =>
    timed(async () => {
      runs = runs === images.base ? images.other : images.base
      const { state } = await world.controller.settle(key, () => edit(world.feedFile, /image: \S+/, `image: ${runs}`))
      if (state !== 'done') throw new Error(`the feed is not Ready:\n${world.controller.log.slice(-2000)}`)
    })
  const contenders = {
    alone: change,
    beside: async () => {
      second.freeze()
      try {
        return await change()
      } finally {
        second.thaw()
        await until('the second engine to be seen again', () => isReady(world), readyMs)
      }
    },
  }
  await interleaved(1, contenders, signal)
  return interleaved(rounds, contenders, signal)
}

function figureOf({ alone, beside }: Record<'alone' | 'beside', number[]>): Figure {
  return {
    ...{ name: 'edit of an image to Ready, a second engine frozen', unit: 'ms', n: beside.length },
    ...{ value: median(beside), p99: percentile(beside, 0.99) },
    beside: [{ kind: 'floor', name: 'the same, the second engine well', value: median(alone) }],
    budget: { of: 'ratio', atMost: 1.1 },
    note: 'rollouts by Recreate with 1 s of minHealthy; the frozen engine is called all the while',
  }
}
