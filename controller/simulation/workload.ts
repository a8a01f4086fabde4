import { randomBytes } from 'node:crypto'
import type { Workload, WorkloadFile, WorkloadSpec, WorkloadState } from '../engines/engine.ts'
import { ownerOf } from '../engines/ownership.ts'
import type { Clock } from '../runtime/clock.ts'

/** One life of a workload's process. */
export type Run = {
  endpoint?: string
  lines?: string[]
  /** It ends by itself after so many ms. */
  end?: { afterMs: number; exitCode: number; outOfMemory?: boolean }
  ignoresTerm?: boolean
  /** Called when it is gone, whatever ended it. */
  gone?: () => void
}

type Surroundings = {
  clock: Clock
  program: (workload: SimulatedWorkload) => Run
  changed: (name: string) => void
  newId: (() => string) | undefined
}

/** Docker's restart manager: 100 ms, doubled, up to 1 min. */
const restartFirstMs = 100
const restartCeilingMs = 60_000

/** A workload of the simulated engine: restarted when it ends by itself, until somebody stops it. */
export class SimulatedWorkload {
  readonly id: string
  readonly spec: WorkloadSpec
  readonly image: string
  readonly files: Map<string, string>
  name: string
  state: WorkloadState = 'created'
  restarts = 0
  exitCode: number | undefined
  outOfMemory = false
  /** Somebody took it from its network. */
  isDisconnected = false
  startedAt: number | undefined
  run: Run | undefined
  readonly #around: Surroundings
  readonly #lines: string[] = []
  #delayMs = restartFirstMs
  #cancel: (() => void) | undefined

  constructor(spec: WorkloadSpec, image: string, around: Surroundings) {
    this.id = around.newId?.() ?? randomBytes(16).toString('hex')
    this.spec = spec
    this.name = spec.name
    this.image = image
    this.files = new Map(spec.files.map(({ path, content }) => [path, content]))
    this.#around = around
  }

  view(installation: string): Workload {
    const { id, name, spec, state, exitCode, outOfMemory, restarts, startedAt, run } = this
    return {
      ...{ id, name, labels: { ...spec.labels }, owner: ownerOf(spec.labels, installation), image: spec.image, state },
      exitCode: state === 'running' ? undefined : exitCode,
      outOfMemory,
      restarts,
      health: 'none',
      startedAt,
      ...(this.isDisconnected && run ? { lostNetwork: spec.network } : {}),
      endpoint: this.isDisconnected ? undefined : run?.endpoint,
    }
  }

  write(files: WorkloadFile[]): void {
    for (const { path, content } of files) this.files.set(path, content)
  }

  start(): void {
    if (this.state === 'running' || this.state === 'restarting') return
    this.restarts = 0
    this.#delayMs = restartFirstMs
    this.#begin()
  }

  async stop(): Promise<void> {
    if (this.state !== 'running' && this.state !== 'restarting') return
    const stubborn = this.run?.ignoresTerm ?? false
    if (stubborn) await new Promise<void>(resolve => this.#around.clock.after(this.spec.stopGraceMs, resolve))
    const exitCode = this.state === 'restarting' ? this.exitCode : stubborn ? 137 : 0
    this.#end('stopped', exitCode)
  }

  /** The process dies by another hand; the engine starts it again. */
  kill(): void {
    if (this.state === 'running') this.#fall(137, false)
  }

  logs(lines: number): string {
    return this.#lines
      .slice(-lines)
      .map(line => `${line}\n`)
      .join('')
  }

  #begin(): void {
    const { clock, program, changed } = this.#around
    const run = program(this)
    this.run = run
    this.state = 'running'
    this.exitCode = undefined
    this.startedAt = clock.now()
    this.#lines.push(...(run.lines ?? []))
    const { end } = run
    if (end) this.#cancel = clock.after(end.afterMs, () => this.#fall(end.exitCode, end.outOfMemory ?? false))
    changed(this.name)
  }

  #fall(exitCode: number, outOfMemory: boolean): void {
    this.outOfMemory = outOfMemory
    this.#end('restarting', exitCode)
    this.#cancel = this.#around.clock.after(this.#delayMs, () => {
      this.restarts++
      this.#begin()
    })
    this.#delayMs = Math.min(restartCeilingMs, this.#delayMs * 2)
  }

  #end(state: WorkloadState, exitCode: number | undefined): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.run?.gone?.()
    this.run = undefined
    this.state = state
    this.exitCode = exitCode
    this.#around.changed(this.name)
  }
}
