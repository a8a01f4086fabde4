import type { Figure } from './figure.ts'
import { feedKey, images, replayManifests } from './manifests.ts'
import type { Measurement } from './measurement.ts'
import { openNoticing } from './noticing.ts'
import { median, percentile } from './sample.ts'
import { openScene, type Scene } from './scene.ts'

const edits = 10

/** From the rename of an edited YAML file to the controller's first write to the engine. */
export const firstWrite: Measurement = {
  name: 'first-write',
  about: 'edit of an image to the first write to the engine',
  needs: [],
  limitMs: 120_000,
  async measure(signal) {
    const scene = await openScene(replayManifests(), signal)
    const noticing = await openNoticing(scene.manifests)
    try {
      await scene.settled(feedKey, {})
      const samples = []
      for (let edit = 0; edit < edits; edit++) samples.push(await sample(scene, noticing, edit % 2 === 0))
      return [figureOf(samples)]
    } finally {
      await noticing.close()
      await scene.close()
    }
  },
}

type Sample = { writeMs: number; plainMs: number; chokidarMs: number }

/**
 * The step is logged just before it is carried out, and read here through a pipe. The first one for a new image is `Create`; what a
 * former edit left may be removed meanwhile.
 */
async function sample(scene: Scene, noticing: Awaited<ReturnType<typeof openNoticing>>, forth: boolean): Promise<Sample> {
  const afterGeneration = await scene.generation(feedKey)
  const written = scene.logged(({ msg, action }) => msg === 'step' && action === 'Create')
  const [from, to] = forth ? [images.one, images.two] : [images.two, images.one]
  const at = scene.edit('feed.yaml', from, to)
  const [{ at: writtenAt }, noticed] = await Promise.all([written, noticing.latencies(at)])
  await scene.settled(feedKey, { afterGeneration })
  return { writeMs: writtenAt - at, ...noticed }
}

function figureOf(samples: Sample[]): Figure {
  const writes = samples.map(({ writeMs }) => writeMs)
  return {
    name: 'edit of the image to the first engine write',
    unit: 'ms',
    value: median(writes),
    p99: percentile(writes, 0.99),
    n: writes.length,
    beside: [
      { kind: 'floor', name: "chokidar's event for the same edits", value: median(samples.map(each => each.chokidarMs)) },
      { kind: 'floor', name: 'fs.watch event for the same edits', value: median(samples.map(each => each.plainMs)) },
    ],
    budget: { of: 'value', atMost: 50 },
  }
}
