import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { stalled, transient } from '../../crds/contract/fault.ts'
import type { SessionStatus } from '../../crds/contract/feedstatus.ts'
import type { AccountListing, RetryRequest, SubscriptionQuestion } from '../../crds/contract/subscriptions.ts'
import type { Answer, FromSession, Pulse, SessionReport, SessionStart, ToSession } from '../session/message.ts'
import type { Position } from '../session/position.ts'

const sessionMain = join(import.meta.dirname, '../session/main.ts')

/** CTP allows one login a second, and each start is one. */
const minRestartMs = 1000
const maxRestartMs = 30_000
/** A child that lived so long starts its back-off anew. */
const steadyMs = 60_000
const stopMs = 4000
/** A process that has not spoken yet, or reads its recordings, may take so long for it on a busy machine. */
export const startMs = 30_000

/** How a process ended: by a code or a signal, or by the error for which it never ran. */
export type ChildEnd = { code: number } | { signal: NodeJS.Signals } | { error: string }

export type ChildOptions = {
  start: () => SessionStart
  heard: (message: Exclude<FromSession, Answer | { type: 'pulse' }>) => void
  /** The process is gone; `expected` where it was told to stop. */
  gone: (expected: boolean, end: ChildEnd) => void
  /** The process runs and takes messages. */
  up: () => void
}

/** How a gate is to be opened. */
export type Opening = Omit<Extract<ToSession, { type: 'open' }>, 'type' | 'id'>

type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }

/** A session's process: started, told, asked, and started again when it dies. */
export class SessionChild {
  restarts = 0
  report: SessionReport | undefined
  ticksPerSecond = 0
  pulse: Pulse | undefined
  readonly #options: ChildOptions
  readonly #waiting = new Map<number, Waiting>()
  #process: ChildProcess | undefined
  /** Fulfilled when the present process is gone. */
  #end = Promise.resolve()
  #measuredAt = 0
  #heardAt = 0
  #failures = 0
  #startedAt = 0
  #nextId = 1
  #timer: NodeJS.Timeout | undefined
  #isWanted = false

  constructor(options: ChildOptions) {
    this.#options = options
  }

  get isUp(): boolean {
    return this.#process?.connected === true
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get ageMs(): number {
    return performance.now() - this.#startedAt
  }

  /** Whether the process has not got to its work yet: it loads its code, or reads its recordings. */
  get isStarting(): boolean {
    return this.report === undefined || this.report.status.state === 'starting'
  }

  /** Whether the process runs and does not run its loop: nothing was heard of it for `hungMs`. */
  isHung(hungMs: number): boolean {
    return this.isUp && performance.now() - this.#heardAt > (this.isStarting ? startMs : hungMs)
  }

  /** Sees to it that the process runs. */
  want(): void {
    this.#isWanted = true
    if (this.#process === undefined && this.#timer === undefined) this.#start()
  }

  tell(message: ToSession): void {
    if (this.isUp) this.#process?.send(message)
  }

  /** Opens the gate. Throws a transient Fault when the session does not answer in `deadlineMs`. */
  async open(opening: Opening, deadlineMs: number): Promise<Extract<Answer, { type: 'opened' }>> {
    const answer = await this.#ask(id => ({ type: 'open', id, ...opening }), deadlineMs)
    if (answer.type !== 'opened') throw stalled('Protocol', `the session answered ${answer.type} to open`)
    return answer
  }

  /** Closes the gate. Throws a transient Fault when the session does not answer in `deadlineMs`. */
  async close(isDeposed: boolean, deadlineMs: number): Promise<Position> {
    const answer = await this.#ask(id => ({ type: 'close', id, isDeposed }), deadlineMs)
    if (answer.type !== 'closed') throw stalled('Protocol', `the session answered ${answer.type} to close`)
    return answer.position
  }

  /** What has become of the subscriptions. Throws a transient Fault when the session does not answer in `deadlineMs`. */
  async list(question: SubscriptionQuestion, deadlineMs: number): Promise<AccountListing> {
    const answer = await this.#ask(id => ({ type: 'list', id, question }), deadlineMs)
    if (answer.type !== 'listed') throw stalled('Protocol', `the session answered ${answer.type} to list`)
    return answer.listing
  }

  /** Asks for subscriptions again; answers how many. Throws a transient Fault when the session does not answer in `deadlineMs`. */
  async renew(request: RetryRequest, deadlineMs: number): Promise<number> {
    const answer = await this.#ask(id => ({ type: 'renew', id, request }), deadlineMs)
    if (answer.type !== 'renewed') throw stalled('Protocol', `the session answered ${answer.type} to renew`)
    return answer.asked
  }

  /** Ends the process for good: by message, after four seconds by SIGKILL. */
  async stop(): Promise<void> {
    this.#isWanted = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    const child = this.#process
    if (child === undefined) return
    const end = this.#end
    this.tell({ type: 'stop' })
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await end
    clearTimeout(timer)
  }

  /** Fences a session that does not answer: what is killed publishes no more. It is started again as after a crash. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#heardAt = performance.now()
    const end = this.#end
    child.kill('SIGKILL')
    await end
  }

  #start(): void {
    this.#timer = undefined
    this.#startedAt = performance.now()
    this.#heardAt = this.#startedAt
    let child: ChildProcess
    try {
      child = this.#fork()
    } catch (error) {
      // Node throws some of what the kernel refuses (ENOMEM), and tells the rest by an event (EAGAIN, ENOENT).
      this.#exited({ error: messageOf(error) })
      return
    }
    this.#attend(child)
  }

  #attend(child: ChildProcess): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#end = promise
    const gone = (end: ChildEnd) => {
      if (this.#process !== child) return
      resolve()
      this.#exited(end)
    }
    this.#process = child
    child.on('message', message => this.#heard(message as FromSession))
    // Where it could not be started (no more processes, the program is being replaced), no exit comes.
    child.on('error', error => child.pid === undefined && gone({ error: messageOf(error) }))
    child.once('exit', (code, signal) => gone(signal === null ? { code: code ?? 0 } : { signal }))
    if (child.pid === undefined) return
    child.send({ type: 'start', start: this.#options.start() } satisfies ToSession)
    this.#options.up()
  }

  #fork(): ChildProcess {
    const { account } = this.#options.start()
    return fork(sessionMain, [account], {
      serialization: 'advanced',
      execArgv: [],
      env: environment(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
  }

  #heard(message: FromSession): void {
    this.#heardAt = performance.now()
    if (message.type === 'pulse') {
      this.pulse = message.pulse
      return
    }
    if ('id' in message) {
      this.#answered(message)
      return
    }
    if (message.type === 'report') this.#measure(message.report)
    this.#options.heard(message)
  }

  #measure(report: SessionReport): void {
    const now = performance.now()
    const seconds = (now - this.#measuredAt) / 1000
    const before = this.report?.status.received ?? 0
    if (seconds >= 0.5) {
      this.ticksPerSecond = Math.max(0, (report.status.received - before) / seconds)
      this.#measuredAt = now
    }
    this.report = report
  }

  #ask(messageOf: (id: number) => ToSession, deadlineMs: number): Promise<Answer> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      if (!this.isUp) return reject(transient('SessionDown', 'the session does not run'))
      const late = () => this.#settle(id)?.reject(transient('SessionSilent', `the session did not answer in ${deadlineMs} ms`))
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, deadlineMs) })
      this.tell(messageOf(id))
    })
  }

  #answered(answer: Answer): void {
    this.#settle(answer.id)?.resolve(answer)
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    clearTimeout(waiting?.timer)
    this.#waiting.delete(id)
    return waiting
  }

  #exited(end: ChildEnd): void {
    this.#process = undefined
    this.report = undefined
    this.pulse = undefined
    this.ticksPerSecond = 0
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(transient('SessionDown', 'the session died'))
    if (this.#isWanted) this.#restartLater()
    this.#options.gone(!this.#isWanted, end)
  }

  #restartLater(): void {
    if (this.ageMs > steadyMs) this.#failures = 0
    const pauseMs = Math.min(maxRestartMs, minRestartMs * 2 ** this.#failures) * (1 + Math.random() / 4)
    this.#failures++
    this.restarts++
    this.#timer = setTimeout(() => this.#start(), pauseMs)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What is reported of a session that has not spoken yet. */
export function silentStatus(account: SessionStatus['account'], isRunning: boolean, since: number): SessionReport['status'] {
  return {
    account,
    state: isRunning ? 'starting' : 'idle',
    since,
    gate: 'closed',
    subscriptions: { desired: 0, acknowledged: 0, ticking: 0, rejected: 0 },
    rejections: [],
    received: 0,
    published: 0,
    dropped: 0,
    conflated: 0,
  }
}

/** Nothing that a session does not need: its secrets come from files. */
function environment(): NodeJS.ProcessEnv {
  const { TZ = '', PATH = '', NODE_COMPILE_CACHE } = process.env
  return { TZ, PATH, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }) }
}
