import { openGround } from '../test/faults/ground.ts'
import { edit } from '../test/mainjob/edit.ts'
import type { Figure } from './figure.ts'
import { type Fleet, lightImages, processHost, startFleet } from './fleet.ts'
import { dockerHost } from './idle.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile } from './sample.ts'

const processFeeds = 200
const dockerFeeds = 20
const quietSeconds = 20
/** Twenty times the default's pace, so that the span has enough looks. */
const resyncMs = 500
const edits = 5

/** What `scale.ts` has in memory, over real processes. */
export const scaleProcesses: Measurement = {
  name: 'scale-processes',
  about: `${processFeeds} light feeds on processes: looks, restart, one edit, memory`,
  needs: [],
  onRequest: true,
  limitMs: 600_000,
  async measure(signal) {
    const options = { feeds: processFeeds, host: processHost, image: lightImages.one, namespace: 'bench', resyncMs, signal }
    return measureFleet(await startFleet(options), lightImages, 'processes', signal)
  },
}

/** And over real feeds on a real Docker engine. */
export const scaleDocker: Measurement = {
  name: 'scale-docker',
  about: `${dockerFeeds} feeds on Docker: looks, restart, one edit, memory`,
  needs: ['docker'],
  onRequest: true,
  limitMs: 600_000,
  async measure(signal) {
    const { engine, images, stop } = await openGround()
    try {
      const namespace = `${engine.project}-fleet`
      const options = { feeds: dockerFeeds, host: dockerHost(engine.project), image: images.base, namespace, resyncMs, signal }
      return await measureFleet(await startFleet(options), { one: images.base, two: images.other }, 'Docker', signal)
    } finally {
      await stop()
    }
  },
}

type Images = { one: string; two: string }

async function measureFleet(fleet: Fleet, images: Images, where: string, signal: AbortSignal): Promise<Figure[]> {
  const { controller, feeds } = fleet
  try {
    await controller.stop()
    const began = performance.now()
    await controller.start()
    await fleet.untilReady()
    const restartMs = performance.now() - began
    const quiet = await (await fleet.idle())(quietSeconds)
    const writes = await controller.writes()
    const editMs: number[] = []
    for (let done = 0; done < edits; done++) editMs.push(await firstWriteOf(fleet, 1 + done * 3, images, signal))
    const name = (what: string) => `${feeds} feeds on ${where}: ${what}`
    const { looks, cpuPercent, seconds, loopDelayP99Ms, memoryMB } = quiet
    return [
      {
        name: name('processor time of a look with nothing to do'),
        unit: 'ms',
        value: (cpuPercent * seconds * 10) / looks,
        n: looks,
      },
      { name: name('event-loop delay meanwhile, p99'), unit: 'ms', value: loopDelayP99Ms, n: 1 },
      { name: name('restart to every feed looked at and Ready'), unit: 'ms', value: restartMs, n: 1 },
      {
        ...{ name: name('writes of restart and looks'), unit: 'count', value: writes.engine + writes.feed, n: looks },
        budget: { of: 'value', atMost: 0 },
      },
      {
        ...{ name: name('edit of one image to the first engine write'), unit: 'ms', n: editMs.length },
        ...{ value: median(editMs), p99: percentile(editMs, 0.99) },
        budget: { of: 'value', atMost: 50 },
      },
      { name: name('memory of the controller'), unit: 'MB', value: memoryMB, n: 1 },
    ]
  } finally {
    await fleet.stop()
  }
}

/** The step is logged just before it is carried out. Then to the end of the rollout, so that no later step is of this one. */
async function firstWriteOf(fleet: Fleet, number: number, { one, two }: Images, signal: AbortSignal): Promise<number> {
  const { controller } = fleet
  const wrote = controller.logged(({ msg, action }) => msg === 'step' && action === 'Create', signal)
  let at = 0
  const { state } = await controller.settle(fleet.key(number), () => {
    at = performance.now()
    edit(fleet.file(number), one, two)
  })
  if (state !== 'done') throw new Error(`the feed is not Ready:\n${controller.log.slice(-2000)}`)
  return (await wrote) - at
}
