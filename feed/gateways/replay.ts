import { stalled } from '../../crds/contract/fault.ts'
import { wallClock } from '../wallclock.ts'
import type { AccountSecrets, FrontError, Gateway, GatewayHandlers, SendResult } from './gateway.ts'
import { frontErrors } from './message.ts'
import type { RecordedDay, Recording } from './recording.ts'
import { RequestWindow } from './requestwindow.ts'
import { TickDecoder, tickBytes, tickOffsets } from './tickrecord.ts'

/** Instruments answered a turn of the event loop. */
const acknowledgementsPerTurn = 500

/** After a longer pause of the process what was missed is left out. */
const maxLateMs = 30_000

/** A login with this user is refused with error 3, to show what a refused account looks like. */
const refusedUser = 'refused'

export type ReplayGatewayOptions = {
  recording: Recording
  /** Times real time. */
  speed: number
  loop: boolean
  /** ms since 1970; the wall clock by default. */
  now?: () => number
}

type Position = { lap: number; ms: number }

type Pending = { op: 'subscribe' | 'unsubscribe'; instruments: string[]; next: number }

/**
 * Plays a recording as if a front pushed it. Where it stands follows from the wall clock alone (rounds of the recording since
 * 1970, one trading day each), so that sessions in different processes push the same ticks at the same time and a warm flip goes on without loss.
 * Without `loop` the recording begins when the gateway opens, once.
 *
 * Prices, volumes, `UpdateTime` and both days stay as recorded, in every round; `restarted` tells rounds apart.
 */
export class ReplayGateway implements Gateway {
  readonly #recording: Recording
  readonly #options: Required<Omit<ReplayGatewayOptions, 'recording'>>
  readonly #window = new RequestWindow()
  readonly #decoder = new TickDecoder()
  readonly #subscribed: Uint8Array
  /** Newest row of each instrument that was pushed in this round. */
  readonly #pushed: Int32Array
  #handlers: GatewayHandlers | undefined
  #connected = false
  #loggedIn = false
  #openedAt = 0
  #lap = 0
  #day: RecordedDay
  #row = 0
  /** Requests in the order they came; the window bounds their instruments. */
  readonly #pending: Pending[] = []
  #timer: NodeJS.Timeout | undefined
  #turns = new Set<NodeJS.Immediate>()

  constructor({ recording, ...options }: ReplayGatewayOptions) {
    this.#recording = recording
    this.#options = { now: Date.now, ...options }
    const [day] = recording.days
    if (day === undefined) throw stalled('RecordingInvalid', 'the recording is empty')
    this.#day = day
    this.#subscribed = new Uint8Array(recording.names.length)
    this.#pushed = new Int32Array(recording.names.length).fill(-1)
  }

  open(handlers: GatewayHandlers): void {
    this.#handlers = handlers
    this.#openedAt = this.#options.now()
    this.#later(() => {
      this.#connected = true
      handlers.connected('replay')
    })
  }

  login(secrets: AccountSecrets): SendResult {
    if (!this.#connected) return -1
    const admitted = this.#window.admit({ op: 'login' }, performance.now())
    if (admitted === 0) this.#later(handlers => this.#login(secrets, handlers))
    return admitted
  }

  subscribe(instruments: string[]): SendResult {
    return this.#request('subscribe', instruments)
  }

  unsubscribe(instruments: string[]): SendResult {
    return this.#request('unsubscribe', instruments)
  }

  async close(): Promise<void> {
    this.#handlers = undefined
    this.#connected = false
    clearTimeout(this.#timer)
    for (const turn of this.#turns) clearImmediate(turn)
  }

  #request(op: Pending['op'], instruments: string[]): SendResult {
    if (!this.#connected) return -1
    const admitted = this.#window.admit({ op, instruments }, performance.now())
    if (admitted !== 0) return admitted
    this.#pending.push({ op, instruments, next: 0 })
    if (this.#pending.length === 1) this.#later(handlers => this.#answer(handlers))
    return 0
  }

  #answer(handlers: GatewayHandlers): void {
    const [first] = this.#pending
    if (first === undefined) return
    const instruments = first.instruments.slice(first.next, first.next + acknowledgementsPerTurn)
    first.next += acknowledgementsPerTurn
    this.#window.answered(instruments)
    for (const instrument of instruments) {
      if (first.op === 'subscribe') this.#subscribe(instrument, handlers)
      else this.#unsubscribe(instrument, handlers)
    }
    if (first.next >= first.instruments.length) this.#pending.shift()
    if (this.#pending.length > 0) this.#later(later => this.#answer(later))
  }

  #login({ USER_ID }: AccountSecrets, handlers: GatewayHandlers): void {
    if (this.#loggedIn) handlers.loginFailed(frontErrors.duplicateLogin)
    else if (USER_ID === refusedUser) handlers.loginFailed(frontErrors.invalidLogin)
    else this.#start(handlers)
  }

  #start(handlers: GatewayHandlers): void {
    this.#loggedIn = true
    const { lap, ms } = this.#position()
    this.#enterLap(lap, 0)
    this.#row = this.#isOver(lap) ? this.#day.rows.length : firstAbove(this.#day.at, ms)
    handlers.loggedIn({ tradingDay: this.#tradingDay() })
    handlers.restarted?.(lap)
    this.#schedule()
  }

  #subscribe(instrument: string, handlers: GatewayHandlers): void {
    const { number, error } = this.#look(instrument)
    handlers.subscribed(instrument, error)
    if (number === undefined) return
    this.#subscribed[number] = 1
    this.#pushSnapshot(number)
  }

  #unsubscribe(instrument: string, handlers: GatewayHandlers): void {
    const { number, error } = this.#look(instrument)
    if (number !== undefined) this.#subscribed[number] = 0
    handlers.unsubscribed(instrument, error)
  }

  #look(instrument: string): { number?: number; error?: FrontError } {
    if (!this.#loggedIn) return { error: frontErrors.notLoggedIn }
    const number = this.#recording.numbers.get(instrument)
    return number === undefined ? { error: frontErrors.instrumentNotFound } : { number }
  }

  #position(): Position {
    const { speed, loop, now } = this.#options
    const { days } = this.#recording
    const played = (now() - (loop ? 0 : this.#openedAt)) * speed
    const all = days.reduce((sum, { durationMs }) => sum + durationMs, 0)
    const rounds = Math.floor(played / all)
    let [lap, ms] = [rounds * days.length, played - rounds * all]
    for (const { durationMs } of days) {
      if (ms < durationMs) break
      ms -= durationMs
      lap++
    }
    return { lap, ms }
  }

  #play(): void {
    const { lap, ms } = this.#position()
    if (lap !== this.#lap) {
      if (lap === this.#lap + 1) this.#pushTo(Number.POSITIVE_INFINITY)
      if (this.#isOver(lap)) return
      this.#startLap(lap)
    }
    this.#row = Math.max(this.#row, firstAbove(this.#day.at, ms - maxLateMs * this.#options.speed))
    this.#pushTo(ms)
    this.#schedule()
  }

  #isOver(lap: number): boolean {
    return !this.#options.loop && lap >= this.#recording.days.length
  }

  #enterLap(lap: number, row: number): void {
    this.#lap = lap
    this.#day = this.#recording.days[lap % this.#recording.days.length] ?? this.#day
    this.#row = row
    this.#pushed.fill(-1)
  }

  #startLap(lap: number): void {
    this.#enterLap(lap, 0)
    this.#handlers?.restarted?.(lap)
    for (let number = 0; number < this.#subscribed.length; number++)
      if (this.#subscribed[number] === 1) this.#pushSnapshot(number)
  }

  /** Waits for the next row, or the next round, at most a second: the wall clock may be set. */
  #schedule(): void {
    if (this.#handlers === undefined) return
    const { at, durationMs } = this.#day
    const wait = ((at[this.#row] ?? durationMs) - this.#position().ms) / this.#options.speed
    this.#timer = setTimeout(() => this.#play(), Math.min(1000, Math.max(1, wait)))
  }

  #pushTo(ms: number): void {
    const { at, rows } = this.#day
    for (; this.#row < rows.length && (at[this.#row] ?? 0) <= ms; this.#row++) {
      const number = this.#numberAt(this.#row)
      if (this.#subscribed[number] === 1 && this.#row > (this.#pushed[number] ?? -1)) this.#push(this.#row, number)
    }
  }

  /** The instrument's newest row so far; before its first one of the round, that one. It does not come again as a tick. */
  #pushSnapshot(number: number): void {
    const rows = this.#day.rowsOf[number] ?? new Int32Array()
    const row = rows[Math.max(0, firstAbove(rows, this.#row - 1) - 1)]
    if (row !== undefined) this.#push(row, number)
  }

  #push(row: number, number: number): void {
    const { names, records } = this.#recording
    const name = names[number]
    if (name === undefined) return
    this.#pushed[number] = row
    const depth = this.#decoder.decode(records, (this.#day.rows[row] ?? 0) * tickBytes, name)
    this.#handlers?.depth(depth, wallClock())
  }

  #numberAt(row: number): number {
    return this.#recording.records.getUint32((this.#day.rows[row] ?? 0) * tickBytes + tickOffsets.number, true)
  }

  #tradingDay(): string {
    const record = this.#day.rows[Math.min(this.#row, this.#day.rows.length - 1)] ?? 0
    return String(this.#recording.records.getUint32(record * tickBytes + tickOffsets.tradingDay, true))
  }

  #later(turn: (handlers: GatewayHandlers) => void): void {
    const immediate = setImmediate(() => {
      this.#turns.delete(immediate)
      if (this.#handlers !== undefined) turn(this.#handlers)
    })
    this.#turns.add(immediate)
  }
}

/** First index whose value is above the bound, in values that never decrease. */
function firstAbove(values: Float64Array | Int32Array, bound: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) > bound) high = middle
    else low = middle + 1
  }
  return low
}
