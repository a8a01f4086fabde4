import { apart } from '../test/services/apart.ts'
import type { Figure } from './figure.ts'
import type { FrozenReport } from './frozenworker.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile } from './sample.ts'
import { askWorker } from './worker.ts'

/** An image edit on one engine, with another engine of the same controller well and frozen in turn. */
export const frozen: Measurement = {
  name: 'frozen',
  about: 'edit of an image on one Docker engine to Ready, while another engine of the same controller is frozen',
  needs: ['docker', 'compose'],
  onRequest: true,
  limitMs: 10 * 60_000,
  measure: async signal => [figureOf(await askWorker<FrozenReport>('frozenworker.ts', [], signal, apart))],
}

function figureOf({ alone, beside }: FrozenReport): Figure {
  return {
    ...{ name: 'edit of an image to Ready, another engine frozen', unit: 'ms', n: beside.length },
    ...{ value: median(beside), p99: percentile(beside, 0.99) },
    beside: [{ kind: 'floor', name: 'the same, the other engine well', value: median(alone) }],
    budget: { of: 'ratio', atMost: 1.1 },
    note: 'rollouts by Recreate with 1 s of minHealthy; the frozen engine is called all the while',
  }
}
