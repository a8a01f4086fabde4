import { randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault, stalled, transient } from '../../../crds/contract/fault.ts'
import { type Engine, type Image, labels, type Workload, type WorkloadFile, type WorkloadSpec } from '../engine.ts'
import { abortable } from '../mutex.ts'
import { nameHeld, notOurs } from '../ownership.ts'
import { checkFiles, checkName, checkSpec } from '../specification.ts'
import { makeDirectory } from './directory.ts'
import { leadersByVariable } from './identity.ts'
import { type ResolvedImage, resolveImage, type StoredImage } from './imagestore.ts'
import { lockDirectory } from './lock.ts'
import { readRecord, removeFolder, type WorkloadRecord, writeRecord } from './record.ts'
import { directoryVariable, ProcessWorkload, type Surroundings } from './workload.ts'

export type ProcessEngineSettings = {
  /** Folder of the engine's own; held by one engine at a time. */
  root: string
  images: StoredImage[]
  /** What the images' entries are relative to. */
  installationDirectory: string
  /** Recordings and catalogues: `FEEDPLANE_DATA` of every feed. */
  dataDirectory: string
  /** Folder where the feeds' node keeps what it has compiled: a feed starts in half the time. Absent: nowhere. */
  compileCache?: string | undefined
  installation: string
  /** Told of what fails where nobody asked, such as a restart. */
  log: { warn(fields: object, message: string): void }
}

const tickMs = 1_000
/** Until a process ends whose folder was deleted. */
const forgetMs = 60_000
const timeZone = 'Asia/Shanghai'

/**
 * Runs feeds as child processes of node that outlive the controller: for development, tests and hosts without Docker. Linux only.
 * Opening takes over what an earlier engine left running and restarts what has died. See `docs/concepts/engines.md` for what it
 * cannot enforce.
 */
export function openProcessEngine(settings: ProcessEngineSettings): Engine {
  const engine = new ProcessEngine(settings)
  return {
    type: 'process',
    version: signal => engine.when(signal, async () => `Node ${process.version}`),
    clock: signal => engine.when(signal, async () => Date.now()),
    list: signal => engine.when(signal, () => engine.list()),
    inspect: (nameOrId, signal) => engine.when(signal, async () => engine.find(nameOrId)?.view()),
    findImage: (reference, signal) => engine.when(signal, () => engine.findImage(reference)),
    pullImage: (reference, signal) => engine.when(signal, () => engine.pullImage(reference)),
    create: (spec, signal) => engine.when(signal, () => engine.create(spec)),
    writeFiles: (name, files, signal) => engine.when(signal, () => engine.writeFiles(name, files, signal)),
    start: (name, signal) => engine.when(signal, () => engine.ours(name, 'start').start(signal)),
    stop: (name, signal) => engine.when(signal, async () => engine.oursOrAbsent(name, 'stop')?.stop(signal)),
    rename: (from, to, signal) => engine.when(signal, () => engine.rename(from, to, signal)),
    remove: (name, signal) => engine.when(signal, () => engine.remove(name, signal)),
    connect: (name, signal) => engine.when(signal, async () => void engine.ours(name, 'connect')),
    releaseNetwork: (_network, signal) => engine.when(signal, async () => undefined),
    logs: (name, lines, signal) => engine.when(signal, async () => engine.find(name)?.logs(lines) ?? ''),
    watch: (onChange, signal) => engine.watch(onChange, signal),
    close: () => engine.close(),
  }
}

class ProcessEngine {
  readonly #settings: ProcessEngineSettings
  readonly #workloads = new Map<string, ProcessWorkload>()
  /** Names in creation or renaming: taken for everybody else. */
  readonly #reserved = new Map<string, { id: string; labels: Record<string, string> }>()
  readonly #watchers = new Set<(name?: string) => void>()
  readonly #around: Surroundings
  #opened: Promise<void> | undefined
  #unlock: (() => Promise<void>) | undefined
  #ticking: NodeJS.Timeout | undefined
  #closed = false

  constructor(settings: ProcessEngineSettings) {
    this.#settings = settings
    this.#around = {
      installation: settings.installation,
      env: {
        ...{ TZ: timeZone, FEEDPLANE_DATA: settings.dataDirectory, FEEDPLANE_PORT: '0' },
        ...(settings.compileCache !== undefined && { NODE_COMPILE_CACHE: settings.compileCache }),
      },
      changed: name => this.#changed(name),
      failed: (workload, error) => settings.log.warn({ workload, err: error }, 'workload could not be kept as wanted'),
    }
    this.#ready().catch(() => undefined)
  }

  /** Runs work once the engine is open; every failure leaves as a Fault. */
  async when<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      if (!this.#closed) await abortable(this.#ready(), signal)
      if (this.#closed) throw transient('EngineUnreachable', 'the process engine is closed')
      return await work()
    } catch (error) {
      throw faultOf(error, signal)
    }
  }

  async list(): Promise<Workload[]> {
    return Promise.all([...this.#workloads.values()].filter(found => found.owner !== undefined).map(found => found.view()))
  }

  find(nameOrId: string): ProcessWorkload | undefined {
    return this.#workloads.get(nameOrId) ?? [...this.#workloads.values()].find(({ id }) => id === nameOrId)
  }

  async findImage(reference: string): Promise<Image | undefined> {
    const image = await this.#resolve(reference)
    return image && { reference, digest: image.digest }
  }

  async pullImage(reference: string): Promise<Image> {
    const image = await this.findImage(reference)
    if (image !== undefined) return image
    throw stalled('ImageNotFound', `the process engine's image store has no ${reference}, or its entry point is not there`)
  }

  async create(spec: WorkloadSpec): Promise<string> {
    checkSpec(spec)
    if (spec.binds.length > 0)
      throw stalled('InvalidSpec', `${spec.name}: the process engine has no binds: use the data directory`)
    const owned = { ...spec.labels, [labels.installation]: this.#settings.installation }
    const id = randomBytes(16).toString('hex')
    return this.#holding(spec.name, { id, labels: owned }, async () => {
      const image = await this.#resolve(spec.image)
      if (image === undefined) throw transient('ImageMissing', `the image store has no ${spec.image} any more`)
      await this.#make(recordOf(spec, image, id, owned), spec.files)
      return id
    })
  }

  async writeFiles(name: string, files: WorkloadFile[], signal: AbortSignal): Promise<void> {
    checkFiles(files)
    await this.ours(name, 'write files of').writeFiles(files, signal)
  }

  async rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    checkName(to)
    const workload = this.ours(from, 'rename')
    if (from === to) return
    await this.#holding(to, workload, async () => {
      await workload.rename(to, signal)
      this.#workloads.delete(from)
      this.#workloads.set(to, workload)
    })
    this.#changed(from)
    this.#changed(to)
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const workload = this.oursOrAbsent(name, 'remove')
    if (workload === undefined) return
    await workload.remove(signal)
    if (this.#workloads.get(workload.name) === workload) this.#workloads.delete(workload.name)
    this.#changed(name)
  }

  async watch(onChange: (name?: string) => void, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const watcher = (name?: string) => onChange(name)
    this.#watchers.add(watcher)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    onChange()
    await promise
    this.#watchers.delete(watcher)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#opened?.catch(() => undefined)
    await this.#letGo()
  }

  oursOrAbsent(name: string, verb: string): ProcessWorkload | undefined {
    const found = this.find(name)
    if (found !== undefined && found.owner === undefined) throw notOurs(name, verb)
    return found
  }

  ours(name: string, verb: string): ProcessWorkload {
    const found = this.oursOrAbsent(name, verb)
    if (found === undefined) throw transient('WorkloadMissing', `cannot ${verb} ${name}: there is no such workload`)
    return found
  }

  get #home(): string {
    return resolve(this.#settings.root, 'workloads')
  }

  /** Fulfilled once it is open. What kept it from that may have passed, such as another engine in its folder: it is tried again when asked. */
  #ready(): Promise<void> {
    this.#opened ??= this.#open().catch(async error => {
      await this.#letGo()
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  async #letGo(): Promise<void> {
    clearInterval(this.#ticking)
    await Promise.all([...this.#workloads.values()].map(workload => workload.close()))
    this.#workloads.clear()
    await this.#unlock?.()
    this.#unlock = undefined
  }

  async #open(): Promise<void> {
    await mkdir(this.#home, { recursive: true, mode: 0o700 })
    this.#unlock = await lockDirectory(this.#settings.root)
    for (const folder of await readdir(this.#home)) await this.#load(join(this.#home, folder))
    await this.#adopt()
    this.#ticking = setInterval(() => this.#tick(), tickMs).unref()
    this.#changed()
  }

  // A folder without a record is what a creation or a removal left when the controller died in it.
  async #load(folder: string): Promise<void> {
    try {
      const record = await readRecord(folder)
      if (record === undefined) return await removeFolder(folder)
      this.#workloads.set(record.name, new ProcessWorkload(folder, record, this.#around))
    } catch (error) {
      this.#settings.log.warn({ folder, err: error }, 'workload folder is not understood and left alone')
    }
  }

  async #adopt(): Promise<void> {
    const running = leadersByVariable(directoryVariable)
    for (const workload of this.#workloads.values()) {
      if (workload.owner !== undefined) await workload.adopt(running.get(workload.directory))
    }
  }

  #tick(): void {
    for (const workload of this.#workloads.values()) {
      if (workload.owner === undefined) continue
      const done = workload.isDeleted() ? this.#forget(workload) : workload.tick()
      done.catch(error => this.#around.failed(workload.name, error))
    }
  }

  // Off the list once nothing of it runs: another may take its name then.
  async #forget(workload: ProcessWorkload): Promise<void> {
    await workload.abandon(AbortSignal.timeout(forgetMs))
    if (this.#workloads.get(workload.name) === workload) this.#workloads.delete(workload.name)
    this.#changed(workload.name)
  }

  #resolve(reference: string): Promise<ResolvedImage | undefined> {
    return resolveImage(this.#settings.images, this.#settings.installationDirectory, reference)
  }

  async #make(record: WorkloadRecord, files: WorkloadFile[]): Promise<void> {
    const folder = await makeFolder(this.#home, record.name)
    const workload = new ProcessWorkload(folder, record, this.#around)
    try {
      await makeDirectory(workload.directory, files)
      await writeRecord(folder, record)
    } catch (error) {
      await removeFolder(folder)
      throw error
    }
    this.#workloads.set(record.name, workload)
    this.#changed(record.name)
  }

  async #holding<T>(name: string, holder: Held, work: () => Promise<T>): Promise<T> {
    const found = this.#reserved.get(name) ?? this.#workloads.get(name)
    const wanted = { installation: this.#settings.installation, owner: holder.labels[labels.owner] }
    if (found !== undefined) throw nameHeld(name, found, wanted)
    this.#reserved.set(name, holder)
    try {
      return await work()
    } finally {
      this.#reserved.delete(name)
    }
  }

  /** Without a name: anything may have. */
  #changed(name?: string): void {
    for (const watcher of this.#watchers) watcher(name)
  }
}

type Held = { id: string; labels: Record<string, string> }

// Named for the workload as it is created; a renamed one keeps its folder, because its process knows the path.
async function makeFolder(home: string, name: string): Promise<string> {
  try {
    await mkdir(join(home, name), { mode: 0o700 })
    return join(home, name)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    const beside = join(home, `${name}-${randomBytes(4).toString('hex')}`)
    await mkdir(beside, { mode: 0o700 })
    return beside
  }
}

function recordOf(spec: WorkloadSpec, image: ResolvedImage, id: string, owned: Record<string, string>): WorkloadRecord {
  const { name, env, memoryBytes, logMaxBytes, logMaxFiles, stopGraceMs } = spec
  return {
    ...{ version: 1, id, name, labels: owned, image: spec.image, entry: image.entry, args: image.args, env, memoryBytes },
    ...{ logMaxBytes, logMaxFiles, stopGraceMs, wanted: 'created', restarts: 0, outOfMemory: false },
  }
}

function faultOf(error: unknown, signal: AbortSignal): Fault {
  if (error instanceof Fault) return error
  if (signal.aborted) return transient('EngineTimeout', 'the process engine was not done when its time was over', error)
  if (codeOf(error) === 'ENOSPC') return transient('DiskFull', "no space left on the process engine's disk", error)
  return transient('EngineError', error instanceof Error ? error.message : String(error), error)
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
