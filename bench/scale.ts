import { temporaryDirectory } from '../test/services/directory.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile } from './sample.ts'
import type { ScaleReport } from './scaleworker.ts'
import { askWorker } from './worker.ts'

const counts = [1, 100, 1000, 5000]
/** Of which the budgets speak, and between which a feed's cost may not grow. */
const [few, budgeted, many] = [100, 1000, 5000]

/** The controller's own parts over many feeds: on engines and feeds in memory, so that what is measured is the controller. */
export const scale: Measurement = {
  name: 'scale',
  about: `${counts.join(', ')} feeds on simulated engines: resync, restart, one edit, memory`,
  needs: [],
  onRequest: true,
  limitMs: 600_000,
  async measure(signal) {
    const reports: ScaleReport[] = []
    for (const count of counts) reports.push(await reportOf(count, signal))
    return reports.flatMap(report => figuresOf(report, reports))
  },
}

async function reportOf(feeds: number, signal: AbortSignal): Promise<ScaleReport> {
  const { path, remove } = await temporaryDirectory('scale')
  try {
    return await askWorker<ScaleReport>('scaleworker.ts', [path, String(feeds)], signal)
  } finally {
    await remove()
  }
}

function figuresOf({ feeds, resync, restart, editMs, residentMB, ...quiet }: ScaleReport, all: ScaleReport[]): Figure[] {
  const of = `${feeds.toLocaleString('en-US')} ${feeds === 1 ? 'feed' : 'feeds'}`
  const isBudgeted = feeds === budgeted
  const atMost = (limit: number) => isBudgeted && { budget: { of: 'value', atMost: limit } as const }
  return [
    { name: `${of}: resync with nothing to do`, unit: 'ms', value: resync.wallMs, n: resync.rounds, ...atMost(2000) },
    {
      name: `${of}: the same, processor time of a feed`,
      unit: 'ms',
      value: resync.cpuMs / feeds,
      n: resync.rounds,
      ...beside(feeds, all),
    },
    { name: `${of}: event-loop delay meanwhile, p99`, unit: 'ms', value: resync.delayP99Ms, n: resync.rounds },
    { name: `${of}: restart to converged`, unit: 'ms', value: restart.wallMs, n: 1, ...atMost(5000) },
    { name: `${of}: the same, processor time of a feed`, unit: 'ms', value: restart.cpuMs / feeds, n: 1 },
    {
      name: `${of}: writes of restart and resyncs to engine and store`,
      unit: 'count',
      value: quiet.engineWrites + quiet.commits,
      n: resync.rounds,
      budget: { of: 'value', atMost: 0 },
    },
    {
      ...{ name: `${of}: edit of one image to the first engine write`, unit: 'ms', n: editMs.length },
      ...{ value: median(editMs), p99: percentile(editMs, 0.99) },
    },
    { name: `${of}: memory, engines and feeds of the simulation among it`, unit: 'MB', value: residentMB, n: 1, ...atMost(250) },
  ]
}

/** A feed among many costs what it costs among few: 1.2 leaves room for caches that are too small and for noise. */
function beside(feeds: number, all: ScaleReport[]): Partial<Figure> {
  const floor = all.find(report => report.feeds === few)
  if (feeds !== many || !floor) return {}
  return {
    beside: [{ kind: 'floor', name: `of ${few} feeds`, value: floor.resync.cpuMs / few }],
    budget: { of: 'ratio', atMost: 1.2 },
  }
}
