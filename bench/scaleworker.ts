import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { tuneHeap } from '../controller/runtime/heap.ts'
import { median } from './sample.ts'
import {
  editImage,
  openScaleWorld,
  type ScaleController,
  type ScaleWorld,
  scaleImages,
  startScaleController,
} from './scaleworld.ts'

// One number of feeds in a process of its own, started by scale.ts: its memory and its processor time are then of this number alone.

/** Looks that warm up, and looks that are measured at least, so that few feeds are looked at as often as many. */
const warmUpLooks = 2000
const measuredLooks = 10_000
const mostRounds = 1000
const edits = 9

/** What one number of feeds takes. */
export type ScaleReport = {
  feeds: number
  resync: { rounds: number; wallMs: number; cpuMs: number; delayP99Ms: number }
  restart: { wallMs: number; cpuMs: number }
  editMs: number[]
  residentMB: number
  engineWrites: number
  /** Looks at the store while nothing was to be done, after the restart and after the resyncs, that found something committed. */
  commits: number
}

/**
 * Written over before each round, so that few feeds are not found in the processor's caches, which many do not fit into: in life there
 * are ten seconds between the looks at a feed.
 */
const eviction = new Uint8Array(64 * 2 ** 20)

const [path = '', count = ''] = process.argv.slice(2)
const feeds = Number(count)
tuneHeap(feeds)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.stdout.write(`${JSON.stringify(await measure(stop.signal))}\n`)

async function measure(signal: AbortSignal): Promise<ScaleReport> {
  const world = await openScaleWorld(path, feeds, signal)
  const commits = openCommits(path)
  const restart = await metered(async () => {
    const started = await startScaleController(world)
    await started.untilConverged(signal)
    return started
  })
  const controller = restart.result
  const afterRestart = commits.seen()
  const resync = await measureResync(controller, signal)
  const residentMB = (process.memoryUsage.rss() - eviction.byteLength) / 1e6
  const quiet = { engineWrites: controller.engineWrites(), commits: afterRestart + commits.seen() }
  commits.close()

  const editMs: number[] = []
  for (let edit = 0; edit < edits; edit++) editMs.push(await firstWriteOf(edit, world, controller, signal))
  await controller.stop()
  return { feeds, resync, restart: { wallMs: restart.wallMs, cpuMs: restart.cpuMs }, editMs, residentMB, ...quiet }
}

/** Another image for one feed: to the engine's first write; then to the end of the rollout, so that no later write is of this one. */
async function firstWriteOf(edit: number, world: ScaleWorld, controller: ScaleController, signal: AbortSignal): Promise<number> {
  const number = (edit * 7) % Math.min(feeds, edits)
  const wrote = controller.nextCreate()
  const at = editImage(world, number, controller.generation(number) % 2 === 1 ? scaleImages.two : scaleImages.one)
  const ms = (await wrote) - at
  await controller.untilConverged(signal)
  return ms
}

async function measureResync(controller: ScaleController, signal: AbortSignal): Promise<ScaleReport['resync']> {
  const round = async () => {
    controller.resync()
    await controller.untilQuiet(signal)
  }
  for (let warm = 0; warm < Math.ceil(warmUpLooks / feeds); warm++) await round()
  const rounds = Math.min(mostRounds, Math.max(3, Math.ceil(measuredLooks / feeds)))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const samples: { wallMs: number; cpuMs: number }[] = []
  delay.enable()
  for (let each = 0; each < rounds; each++) {
    eviction.fill(each)
    samples.push(await metered(round))
  }
  delay.disable()
  return {
    rounds,
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
    delayP99Ms: delay.percentile(99) / 1e6,
  }
}

async function metered<T>(work: () => Promise<T>): Promise<{ result: T; wallMs: number; cpuMs: number }> {
  const began = performance.now()
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { result, wallMs: performance.now() - began, cpuMs: (user + system) / 1000 }
}

/** `seen`: 1 where the controller has committed anything to its state since the last call, else 0. */
function openCommits(directory: string) {
  const database = new DatabaseSync(join(directory, 'controller.db'), { readOnly: true })
  const statement = database.prepare('PRAGMA data_version')
  const version = () => Number(statement.get()?.data_version)
  let last = version()
  const seen = () => {
    const before = last
    last = version()
    return last === before ? 0 : 1
  }
  return { seen, close: () => database.close() }
}
