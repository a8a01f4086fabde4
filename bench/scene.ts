import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Goal } from '../controller/cli/convergence.ts'
import { openProcessEngine } from '../controller/engines/process/engine.ts'
import { stopAll } from '../controller/engines/stopall.ts'
import { openStore } from '../controller/store/store.ts'
import { type Settled, untilSettled } from '../controller/tour/watch.ts'
import { temporaryDirectory } from '../test/services/directory.ts'

export const installationDirectory = join(import.meta.dirname, '..')
export const dataDirectory = join(installationDirectory, 'examples/data')
export const secretsDirectory = join(installationDirectory, 'examples/quickstart/secrets')

const stopMs = 20_000

/** A line of the controller's log, and when it came, on the clock of `performance.now`. */
export type LogLine = { msg: string; action?: string; at: number }

/** A controller in a process of its own, as in production, over manifests that are edited as people edit them. */
export type Scene = {
  url: string
  manifests: string
  /** Replaces a text in a manifest by renaming a finished file into its place. Returns the moment before, on `performance.now`. */
  edit(file: string, from: string, to: string): number
  generation(key: string): Promise<number>
  /** Rejects where the feed does not get there. */
  settled(key: string, goal: Goal): Promise<Settled>
  /** The next line of the log that fits. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Ends controller and feeds, and removes the folder. */
  close(): Promise<void>
}

/** Starts it on these manifests, by file name. The Host is to be `bench/local`, on processes. `data` is what its data directory is. */
export async function openScene(files: Record<string, string>, signal: AbortSignal, data = dataDirectory): Promise<Scene> {
  const { path, remove } = await temporaryDirectory('bench')
  const manifests = join(path, 'manifests')
  mkdirSync(manifests)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(manifests, name), text)
  const log = openLog(signal)
  const child = spawnController({ state: path, manifests, data }, log)
  const close = async () => {
    await endController(child)
    await stopFeeds(path)
    await remove()
  }
  try {
    const { url } = await log.next(({ msg }) => msg === 'controller started')
    return { ...sceneOf(url as string, path, manifests, log, signal), close }
  } catch (error) {
    await close()
    throw error
  }
}

function sceneOf(url: string, path: string, manifests: string, log: Log, signal: AbortSignal): Omit<Scene, 'close'> {
  return {
    url,
    manifests,
    logged: log.next,
    edit: (file, from, to) => edit(join(manifests, file), join(path, 'edited'), from, to),
    async generation(key) {
      const response = await fetch(`${url}/api/v1/resources/Feed/${key}`, { signal })
      return ((await response.json()) as { metadata: { generation: number } }).metadata.generation
    },
    async settled(key, goal) {
      const settled = await untilSettled(url, key, goal, signal)
      if (settled.state !== 'done') throw new Error(`${key}: ${settled.why}`)
      return settled
    },
  }
}

/** The new text is written elsewhere on the same file system: the rename is the only thing that a watcher can notice. */
function edit(file: string, staged: string, from: string, to: string): number {
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`)
  writeFileSync(staged, text.replace(from, to))
  const at = performance.now()
  renameSync(staged, file)
  return at
}

type Folders = { state: string; manifests: string; data: string }

function spawnController({ state, manifests, data }: Folders, log: Log): ChildProcess {
  const env = {
    PATH: process.env.PATH,
    FEEDPLANE_MANIFESTS: manifests,
    FEEDPLANE_STATE: state,
    FEEDPLANE_DATA: data,
    FEEDPLANE_SECRETS: secretsDirectory,
    FEEDPLANE_LISTEN: '127.0.0.1:0',
  }
  const main = join(installationDirectory, 'controller/main.ts')
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', line => log.take(line))
  child.once('exit', () => log.end())
  const killWithParent = () => child.kill('SIGKILL')
  process.once('exit', killWithParent)
  child.once('exit', () => process.off('exit', killWithParent))
  return child
}

type Log = ReturnType<typeof openLog>

function openLog(signal: AbortSignal) {
  type Entry = LogLine & Record<string, unknown>
  const waiting = new Set<{ fits: (line: Entry) => boolean; take: (line: Entry) => void; fail: (error: Error) => void }>()
  const failAll = (why: string) => {
    for (const { fail } of waiting) fail(new Error(why))
  }
  signal.addEventListener('abort', () => failAll('the measurement was ended'), { once: true })
  return {
    take(text: string) {
      const line = { ...(JSON.parse(text) as Entry), at: performance.now() }
      for (const each of waiting) if (each.fits(line)) each.take(line)
    },
    end: () => failAll('the controller ended'),
    next(fits: (line: Entry) => boolean): Promise<Entry> {
      const { promise, resolve, reject } = Promise.withResolvers<Entry>()
      const entry = { fits, take: resolve, fail: reject }
      waiting.add(entry)
      const done = promise.finally(() => waiting.delete(entry))
      done.catch(() => undefined)
      return done
    },
  }
}

async function endController(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await exit
  clearTimeout(timer)
}

/** Feeds outlive their controller, which is right everywhere but here. */
export async function stopFeeds(stateDirectory: string): Promise<void> {
  const store = openStore(join(stateDirectory, 'controller.db'))
  const engine = openProcessEngine({
    root: join(stateDirectory, 'engines/bench-local'),
    images: [],
    installationDirectory,
    dataDirectory,
    installation: store.installation.id,
    log: { warn: () => undefined },
  })
  await stopAll(engine, AbortSignal.timeout(stopMs)).finally(() => engine.close())
  store.close()
}
