import type { Calendar } from '../calendar/calendar.ts'
import type { Depth } from '../gateways/depth.ts'
import { exchangeTimeOf, tradingDayOf } from '../gateways/exchangetime.ts'
import type { NumberedPush } from '../publish/numbered.ts'
import { fingerprintOf, repeated } from './fingerprint.ts'
import { HeldPushes, type Push } from './held.ts'
import type { Line, TradingHours } from './line.ts'
import { type Position, positionOf, takeOver } from './position.ts'

/** A step back in exchange time longer than this is another timeline (a recording that starts again), not a front that lags. */
export const newTimelineMs = 60_000

/** What exchange times of a recording are shifted by each round, so that they grow: longer than a trading day over a weekend. */
const roundMs = 7 * 24 * 3_600_000
const maxRounds = 100_000

/** Fingerprints kept of one exchange time; CZCE, whose times are whole seconds, pushes a few in each. */
const maxMoment = 64

export type GateOptions = {
  lines: Map<string, Line>
  calendar: Calendar
  publish: (push: NumberedPush) => void
}

/** What an opening gate let through at once, and the instruments of which ticks may be missing before it. */
export type Opening = { released: number; overrun: string[] }

/**
 * The one place where ticks pass from an account to the bus. Closed, it keeps the newest pushes of each line; open, it numbers and
 * publishes them. At a flip the new session's gate looks for the old one's newest tick among what it kept, or waits for it to come:
 * so each tick is published once and in order, whichever of the two accounts is ahead.
 */
export class Gate {
  readonly counters = { published: 0, duplicates: 0, stale: 0 }
  readonly #options: GateOptions
  readonly #held = new HeldPushes()
  #isOpen = false
  #epoch = 0
  /** The front's answer to the login; '' before it. */
  #tradingDay = ''
  #roundShift = 0
  #onFirst: (() => void) | undefined
  #unmatched: string[] = []

  constructor(options: GateOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get epoch(): number {
    return this.#epoch
  }

  set tradingDay(day: string) {
    this.#tradingDay = day
  }

  /** A recording begins round `round`: the same exchange times come again, and are later than those of the round before. */
  set round(round: number) {
    this.#roundShift = (round % maxRounds) * roundMs
  }

  /** Opens at `position`. `onFirst` is called when the first tick has been published. An open gate only takes over the epoch. */
  open(epoch: number, position: Position, onFirst: () => void): Opening {
    this.#epoch = epoch
    this.#onFirst = onFirst
    if (this.#isOpen) return { released: 0, overrun: [] }
    this.#isOpen = true
    takeOver(this.#options.lines, position)
    const opening: Opening = { released: 0, overrun: [] }
    for (const line of this.#options.lines.values()) this.#release(line, position.exact, opening)
    return opening
  }

  /** Closes, and answers where publishing stands. */
  close(at: number): Position {
    this.#isOpen = false
    this.#onFirst = undefined
    // A line that still waits for the newest published tick has not got it: no mark, or it would be taken for received.
    for (const line of this.#options.lines.values()) {
      line.held.count = 0
      if (line.sequence > 0 && !line.anchored) this.#held.mark(line.held, line.time, line.hash)
    }
    return positionOf(this.#options.lines.values(), true, at)
  }

  /** After a reconnect the front may push again what has been published: the lines wait until the stream is past it. */
  anchor(): void {
    for (const line of this.#options.lines.values()) if (line.sequence > 0) line.anchored = true
  }

  /** Instruments whose stream did not contain the newest published tick: something may be missing before what came. Clears the list. */
  takeUnmatched(): string[] {
    const taken = this.#unmatched
    this.#unmatched = []
    return taken
  }

  /** A push of the front. Answers whether it says anything new. */
  observe(line: Line, depth: Depth, receivedAt: number, snapshot: boolean): boolean {
    const exchangeTime = exchangeTimeOf(depth, receivedAt)
    const time = (exchangeTime ?? 0) + this.#roundShift
    const hash = this.#identify(line, depth, time)
    if (hash === undefined) return false
    const push: Push = { depth, receivedAt, exchangeTime, time, hash, snapshot }
    if (this.#isOpen) this.#pass(line, push)
    else this.#held.hold(line.held, push)
    return true
  }

  // The same content twice in a row says nothing new; the same content after another one in the same moment does.
  #identify(line: Line, depth: Depth, time: number): number | undefined {
    const fingerprint = fingerprintOf(depth)
    const moment = line.moment
    if (line.momentTime !== time) {
      line.momentTime = time
      line.momentCount = 0
    } else if (moment[line.momentCount - 1] === fingerprint) {
      this.counters.duplicates++
      return undefined
    }
    let times = 0
    for (let i = 0; i < line.momentCount; i++) if (moment[i] === fingerprint) times++
    if (line.momentCount < maxMoment) moment[line.momentCount++] = fingerprint
    return times === 0 ? fingerprint : repeated(fingerprint, times)
  }

  #pass(line: Line, push: Push): void {
    const { depth, exchangeTime, time, hash } = push
    if (line.anchored && !this.#passesAnchor(line, depth, time, hash)) return
    line.sequence++
    line.time = time
    line.volume = depth.Volume
    line.hash = hash
    this.#options.publish({
      line,
      depth,
      epoch: this.#epoch,
      sequence: line.sequence,
      tradingDay: tradingDayOf(line.exchange, depth, this.#tradingDay),
      averageDivisor: line.averageDivisor,
      exchangeTime,
      time,
      hash,
      receivedAt: push.receivedAt,
      snapshot: push.snapshot,
      offSession: exchangeTime !== null && !isInSession(line.hours, exchangeTime, this.#options.calendar),
    })
    this.counters.published++
    if (this.#onFirst !== undefined) this.#sayFirst()
  }

  #passesAnchor(line: Line, depth: Depth, time: number, hash: number): boolean {
    if (time === line.time && hash === line.hash) {
      line.anchored = false
      return false
    }
    const isOther = time < line.time - newTimelineMs
    if (isNewer(time, depth.Volume, line) || isOther) {
      line.anchored = false
      this.#unmatched.push(line.instrument)
      return true
    }
    this.counters.stale++
    return false
  }

  // With nothing known of what the other account published, only what comes from now on is surely new.
  #release(line: Line, exact: boolean, opening: Opening): void {
    const { count } = line.held
    const start = line.anchored ? this.#startAfterAnchor(line, opening) : exact ? 0 : count
    for (let i = start; i < count; i++) {
      const push = this.#held.read(line.held, i, line.instrument)
      if (push === undefined) continue
      opening.released++
      this.#pass(line, push)
    }
    line.held.count = 0
  }

  #startAfterAnchor(line: Line, opening: Opening): number {
    const found = this.#held.find(line.held, line.time, line.hash)
    if (found >= 0) {
      line.anchored = false
      return found + 1
    }
    const newer = this.#held.findPush(line.held, (time, volume) => isNewer(time, volume, line))
    if (newer < 0) return line.held.count
    line.anchored = false
    opening.overrun.push(line.instrument)
    return newer
  }

  #sayFirst(): void {
    const onFirst = this.#onFirst
    this.#onFirst = undefined
    onFirst?.()
  }
}

const isNewer = (time: number, volume: number, line: Line): boolean =>
  time > line.time || (time === line.time && volume > line.volume)

function isInSession(hours: TradingHours, time: number, calendar: Calendar): boolean {
  if (time < hours.from || time >= hours.until) {
    hours.open = calendar.isOpen(hours.windows, time)
    hours.from = time
    hours.until = calendar.nextChange(hours.windows, time) ?? Number.POSITIVE_INFINITY
  }
  return hours.open
}
