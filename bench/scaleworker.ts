import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setFlagsFromString } from 'node:v8'
import { median, timed } from './sample.ts'
import {
  editImage,
  openScaleWorld,
  type ScaleController,
  type ScaleWorld,
  scaleImages,
  startScaleController,
} from './scaleworld.ts'

// One number of feeds in a process of its own, started by scale.ts: its memory and its processor time are then of this number alone.

// As in controller/main.ts.
for (const flag of ['--semi-space-growth-factor=1', '--optimize-for-size']) setFlagsFromString(flag)

/** Looks that warm up, and looks that are measured at least, so that few feeds are looked at as often as many. */
const warmUpLooks = 2000
const measuredLooks = 10_000
const edits = 9

/** What one number of feeds takes. */
export type ScaleReport = {
  feeds: number
  bringUpS: number
  resync: { rounds: number; wallMs: number; cpuMs: number; delayP99Ms: number }
  restartMs: number
  editMs: number[]
  residentMB: number
  engineWrites: number
  /** Whether anything was committed to the store while nothing was to be done: restart and resyncs. */
  storeWritten: boolean
}

const [path = '', memory = '', count = ''] = process.argv.slice(2)
const feeds = Number(count)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.stdout.write(`${JSON.stringify(await measure(stop.signal))}\n`)

async function measure(signal: AbortSignal): Promise<ScaleReport> {
  const world = openScaleWorld(path, feeds)
  // Bringing thousands up is not what is measured: its state is in memory, and then on disk.
  const first = await startScaleController({ ...world, state: memory })
  const bringUpS = (await timed(() => first.untilConverged(signal))) / 1000
  await first.stop()
  copyFileSync(join(memory, 'controller.db'), join(path, 'controller.db'))

  const commits = openCommits(path)
  const before = commits.version()
  const beganAt = performance.now()
  const controller = await startScaleController(world)
  await controller.untilConverged(signal)
  const restartMs = performance.now() - beganAt
  const resync = await measureResync(controller, signal)
  const residentMB = process.memoryUsage.rss() / 1e6
  const quiet = { engineWrites: controller.engineWrites(), storeWritten: commits.version() !== before }
  commits.close()

  const editMs: number[] = []
  for (let edit = 0; edit < edits; edit++) editMs.push(await firstWriteOf(edit, world, controller, signal))
  await controller.stop()
  return { feeds, bringUpS, resync, restartMs, editMs, residentMB, ...quiet }
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
  const rounds = Math.max(3, Math.ceil(measuredLooks / feeds))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const wall: number[] = []
  const cpu: number[] = []
  delay.enable()
  for (let each = 0; each < rounds; each++) {
    const before = process.cpuUsage()
    wall.push(await timed(round))
    const { user, system } = process.cpuUsage(before)
    cpu.push((user + system) / 1000)
  }
  delay.disable()
  return { rounds, wallMs: median(wall), cpuMs: median(cpu), delayP99Ms: delay.percentile(99) / 1e6 }
}

/** A number that differs after any commit of the controller to its state. */
function openCommits(directory: string) {
  const database = new DatabaseSync(join(directory, 'controller.db'), { readOnly: true })
  const statement = database.prepare('PRAGMA data_version')
  return { version: () => Number(statement.get()?.data_version), close: () => database.close() }
}
