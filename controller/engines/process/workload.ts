import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { transient } from '../../../crds/contract/fault.ts'
import type { Workload, WorkloadFile } from '../engine.ts'
import { abortable, Mutex } from '../mutex.ts'
import { ownerOf } from '../ownership.ts'
import { forgetPort, readPort, writeFiles } from './directory.ts'
import { isAlive, type ProcessIdentity, signalGroup } from './identity.ts'
import { rotate, tail } from './log.ts'
import { removeFolder, type WorkloadRecord, writeRecord } from './record.ts'
import { adoptProcess, type Exit, type Run, startProcess } from './run.ts'

/** Back-off between restarts, as Docker's restart manager has it: 100 ms, doubled, up to 1 min; anew after a run of 10 s. */
const firstRestartDelayMs = 100
const maxRestartDelayMs = 60_000
const settledAfterMs = 10_000
/** How long a process may take to vanish after SIGKILL. */
const killWaitMs = 5_000
const stopPollMs = 20
/** Words of V8 when its heap is full, the line before it aborts. */
const heapExhausted = 'heap out of memory'
const heapReportLines = 60

export type Surroundings = {
  installation: string
  /** Variables beside those of the spec. */
  env: Record<string, string>
  changed(name: string): void
  failed(name: string, error: unknown): void
}

/** Variable that tells a feed its directory, and this engine after a crash which process is whose. */
export const directoryVariable = 'FEEDPLANE_DIRECTORY'

/** The size of a log is looked at every so many ticks, so it may pass its bound by what is written meanwhile; workloads take turns. */
const ticksPerRotation = 10

/** One workload of the process engine: its record, its folder and, while it runs, its process. */
export class ProcessWorkload {
  readonly #folder: string
  readonly #around: Surroundings
  readonly #mutex = new Mutex()
  #record: WorkloadRecord
  #run: Run | undefined
  /** Port of the life that it was read in. */
  #known: { run: Run; port: number } | undefined
  #restart: NodeJS.Timeout | undefined
  #failures = 0
  #ticks = Math.floor(Math.random() * ticksPerRotation)
  #removing = false
  #closed = false
  #saving: Promise<void> = Promise.resolve()
  #ending: Promise<void> = Promise.resolve()

  constructor(folder: string, record: WorkloadRecord, around: Surroundings) {
    this.#folder = folder
    this.#record = record
    this.#around = around
  }

  get name(): string {
    return this.#record.name
  }

  get id(): string {
    return this.#record.id
  }

  get labels(): Record<string, string> {
    return this.#record.labels
  }

  get owner(): string | undefined {
    return ownerOf(this.#record.labels, this.#around.installation)
  }

  async view(): Promise<Workload> {
    const run = this.#run
    const port = await this.#portOf(run)
    // All of one moment: it may have ended while its port was read.
    const { id, name, labels, image, exitCode, outOfMemory, restarts, startedAt } = this.#record
    return {
      ...{ id, name, owner: this.owner, labels: { ...labels }, image, state: this.#state(), restarts, outOfMemory },
      exitCode: this.#run === undefined ? exitCode : undefined,
      health: 'none',
      startedAt,
      endpoint: port === undefined || this.#run !== run ? undefined : `http://127.0.0.1:${port}`,
    }
  }

  // Read once in a life: with 50 feeds the files of a second would be hundreds.
  async #portOf(run: Run | undefined): Promise<number | undefined> {
    if (run === undefined) return undefined
    if (this.#known?.run !== run) {
      const port = await readPort(this.directory)
      if (port !== undefined) this.#known = { run, port }
      return port
    }
    return this.#known.port
  }

  /** After a restart of the controller: takes over what runs and makes true what was wanted. */
  async adopt(found: ProcessIdentity | undefined): Promise<void> {
    const recorded = this.#record.process
    const identity = recorded !== undefined && isAlive(recorded) ? recorded : found
    if (identity !== undefined) this.#follow(adoptProcess(identity))
    if (identity !== undefined && this.#record.wanted !== 'running') void this.#finishStop()
    if (identity === undefined && this.#record.wanted === 'running') this.#restartAfter(0)
    await this.#save()
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#mutex.run(signal, async () => {
      if (!this.#isAtRest()) return
      this.#failures = 0
      await this.#begin()
    })
  }

  stop(signal: AbortSignal): Promise<void> {
    return this.#mutex.run(signal, () => this.#stop(signal))
  }

  rename(name: string, signal: AbortSignal): Promise<void> {
    return this.#mutex.run(signal, async () => {
      this.#record.name = name
      await this.#save()
    })
  }

  writeFiles(files: WorkloadFile[], signal: AbortSignal): Promise<void> {
    return this.#mutex.run(signal, () => writeFiles(this.directory, files))
  }

  /** Stops it and deletes its folder, the record first: what has no record does not exist. */
  async remove(signal: AbortSignal): Promise<void> {
    this.#removing = true
    try {
      await this.#mutex.run(signal, () => this.#remove(signal))
    } finally {
      this.#removing = false
    }
  }

  /** Whether somebody has deleted its folder, as a container is deleted past its controller. */
  isDeleted(): boolean {
    return !this.#removing && !existsSync(this.#folder)
  }

  /** Ends what still runs of a workload whose folder is gone. Where that fails it is tried again at a later tick. */
  async abandon(signal: AbortSignal): Promise<void> {
    this.#removing = true
    try {
      await this.#mutex.run(signal, async () => {
        clearTimeout(this.#restart)
        this.#restart = undefined
        this.#closed = true
        if (this.#run !== undefined) await this.#end(this.#run, signal)
      })
    } catch (error) {
      this.#removing = false
      throw error
    }
  }

  logs(lines: number): Promise<string> {
    return tail(this.#log, lines)
  }

  /** To be called about once a second. */
  async tick(): Promise<void> {
    this.#run?.look()
    this.#ticks++
    if (this.#run !== undefined && this.#ticks % ticksPerRotation === 0)
      await rotate(this.#log, this.#record.logMaxBytes, this.#record.logMaxFiles)
  }

  /** Lets go of the process, which runs on. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#restart)
    await this.#saved()
  }

  /** What the process knows as its directory. */
  get directory(): string {
    return join(this.#folder, 'directory')
  }

  get #log(): string {
    return join(this.#folder, 'output.log')
  }

  /** Nothing of it runs, and nothing will by itself. */
  #isAtRest(): boolean {
    return this.#run === undefined && this.#restart === undefined
  }

  #state(): Workload['state'] {
    if (this.#removing) return 'removing'
    if (this.#run !== undefined) return 'running'
    // Between the timer and the process it is neither; it is wanted, and nobody has stopped it.
    if (this.#restart !== undefined || this.#record.wanted === 'running') return 'restarting'
    return this.#record.wanted === 'created' ? 'created' : 'stopped'
  }

  /** What did not come about is not wanted either: it would count as restarting, and nobody restarts it. */
  async #begin(): Promise<void> {
    const before = this.#record.wanted
    this.#record.wanted = 'running'
    try {
      await this.#save()
      await this.#spawn()
    } catch (error) {
      if (this.#isAtRest()) this.#record.wanted = before
      throw error
    }
  }

  async #spawn(): Promise<void> {
    this.#record.startedAt = Date.now()
    await forgetPort(this.directory)
    const { entry, args, env, memoryBytes } = this.#record
    const variables = { ...env, ...this.#around.env, [directoryVariable]: this.directory }
    const run = startProcess({ entry, args, env: variables, directory: this.directory, log: this.#log, memoryBytes })
    if (run === undefined) return this.#onEnd({ code: 127, signal: undefined })
    this.#follow(run)
    await this.#save()
  }

  #follow(run: Run): void {
    this.#run = run
    this.#record.process = run.identity
    this.#record.outOfMemory = false
    this.#around.changed(this.name)
    this.#ending = run.ended.then(exit => this.#onEnd(exit)).catch(error => this.#around.failed(this.name, error))
  }

  async #onEnd(exit: Exit | undefined): Promise<void> {
    const outOfMemory = exit?.signal === 'SIGABRT' && (await tail(this.#log, heapReportLines)).includes(heapExhausted)
    this.#run = undefined
    if (this.#closed) return
    delete this.#record.process
    if (exit === undefined) delete this.#record.exitCode
    else this.#record.exitCode = exit.code
    this.#record.outOfMemory = outOfMemory
    if (this.#record.wanted === 'running') this.#restartAfter(this.#restartDelayMs())
    this.#around.changed(this.name)
    await this.#save()
  }

  #restartDelayMs(): number {
    if (Date.now() - (this.#record.startedAt ?? 0) >= settledAfterMs) this.#failures = 0
    return Math.min(maxRestartDelayMs, firstRestartDelayMs * 2 ** this.#failures++)
  }

  #restartAfter(delayMs: number): void {
    const never = new AbortController().signal
    const again = () => this.#mutex.run(never, () => this.#spawnAgain())
    this.#restart = setTimeout(() => void again().catch(error => this.#around.failed(this.name, error)), delayMs).unref()
  }

  // A stop in the meantime has taken the timer away.
  async #spawnAgain(): Promise<void> {
    if (this.#restart === undefined || this.#closed) return
    this.#restart = undefined
    this.#record.restarts++
    try {
      await this.#spawn()
    } catch (error) {
      // What hindered it, such as a full disk, may pass.
      if (this.#isAtRest() && !this.#closed) this.#restartAfter(this.#restartDelayMs())
      throw error
    }
  }

  async #finishStop(): Promise<void> {
    const signal = AbortSignal.timeout(this.#record.stopGraceMs + 2 * killWaitMs)
    await this.stop(signal).catch(error => this.#around.failed(this.name, error))
  }

  async #stop(signal: AbortSignal): Promise<void> {
    if (this.#isAtRest()) return
    const run = this.#run
    clearTimeout(this.#restart)
    this.#restart = undefined
    this.#record.wanted = 'stopped'
    await this.#save()
    if (run !== undefined) await this.#end(run, signal)
    this.#around.changed(this.name)
  }

  async #remove(signal: AbortSignal): Promise<void> {
    await this.#stop(signal)
    await this.#ending
    await this.#saved()
    await removeFolder(this.#folder)
    this.#closed = true
  }

  async #end(run: Run, signal: AbortSignal): Promise<void> {
    signalGroup(run.identity, 'SIGTERM')
    if (await this.#endsWithin(this.#record.stopGraceMs, signal)) return
    signalGroup(run.identity, 'SIGKILL')
    if (await this.#endsWithin(killWaitMs, signal)) return
    throw transient('EngineTimeout', `${this.name} is still there ${killWaitMs} ms after SIGKILL`)
  }

  async #endsWithin(waitMs: number, signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + waitMs
    while (this.#run !== undefined && performance.now() < end) {
      this.#run.look()
      await abortable(delay(stopPollMs), signal)
    }
    return this.#run === undefined
  }

  /** No write of the record is under way. Whoever began one that failed was told. */
  #saved(): Promise<void> {
    return this.#saving.catch(() => undefined)
  }

  // One after the other, so that the file ends as the newest.
  #save(): Promise<void> {
    const record = structuredClone(this.#record)
    this.#saving = this.#saved().then(() => writeRecord(this.#folder, record))
    return this.#saving
  }
}
