import type { Calendar } from '../calendar/calendar.ts'
import type { Depth } from '../gateways/depth.ts'
import { exchangeTimeOf, tradingDayOf } from '../gateways/exchangetime.ts'
import type { NumberedPush } from '../publish/numbered.ts'
import { fingerprintOf } from './fingerprint.ts'
import { HeldPushes, type Push } from './held.ts'
import type { Line, TradingHours } from './line.ts'
import { Moments } from './moments.ts'
import { type Position, takeOver } from './position.ts'
import { Standings } from './standings.ts'

/** A step back in exchange time longer than this is another timeline (a recording that starts again), not a front that lags. */
export const newTimelineMs = 60_000

/** What exchange times of a recording are shifted by each round, so that they grow: longer than a trading day over a weekend. */
const roundMs = 7 * 24 * 3_600_000
const maxRounds = 100_000

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
  readonly #standings = new Standings()
  readonly #moments = new Moments()
  readonly #held = new HeldPushes()
  /** Of the lines, in the order of their rows. */
  #instruments = ''
  #lineCount = 0
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
    this.#reserve()
    takeOver(this.#instruments, this.#standings, position)
    const opening: Opening = { released: 0, overrun: [] }
    for (const line of this.#options.lines.values()) this.#release(line, position.exact, opening)
    return opening
  }

  /** Closes, and answers where publishing stands. */
  close(at: number): Position {
    this.#isOpen = false
    this.#onFirst = undefined
    this.#reserve()
    // A line that still waits for the newest published tick has not got it: no mark, or it would be taken for received.
    for (let row = 0; row < this.#lineCount; row++) {
      if (this.#standings.sequence(row) === 0 || this.#standings.isAnchored(row)) this.#held.forget(row)
      else this.#held.mark(row, this.#standings.time(row), this.#standings.hash(row))
    }
    return this.#position(true, at)
  }

  /** Where publishing stands while it goes on. `at`: until when ticks are with the bus. */
  checkpoint(at: number): Position {
    this.#reserve()
    return this.#position(false, at)
  }

  /** After a reconnect the front may push again what has been published: the lines wait until the stream is past it. */
  anchor(): void {
    this.#standings.anchor()
  }

  /** Instruments whose stream did not contain the newest published tick: something may be missing before what came. Clears the list. */
  takeUnmatched(): string[] {
    const taken = this.#unmatched
    this.#unmatched = []
    return taken
  }

  /** A push of the front. Answers whether it says anything new. */
  observe(line: Line, depth: Depth, receivedAt: number, snapshot: boolean): boolean {
    const exchangeTime = exchangeTimeOf(depth, receivedAt, snapshot)
    const time = (exchangeTime ?? 0) + this.#roundShift
    if (line.row >= this.#lineCount) this.#reserve()
    const hash = this.#moments.identify(line.row, time, fingerprintOf(depth))
    if (hash === undefined) {
      this.counters.duplicates++
      if (this.#isOpen && this.#standings.isAnchored(line.row)) this.#resume(line.row, time)
      return false
    }
    const push: Push = { depth, receivedAt, exchangeTime, time, hash, snapshot }
    if (this.#isOpen) this.#pass(line, push)
    else this.#held.hold(line.row, push)
    return true
  }

  // Lines come, and never go.
  #reserve(): void {
    const { lines } = this.#options
    if (lines.size === this.#lineCount) return
    this.#lineCount = lines.size
    this.#instruments = [...lines.keys()].join('\n')
    for (const table of [this.#standings, this.#moments, this.#held]) table.reserve(lines.size)
  }

  #position(exact: boolean, at: number): Position {
    return { exact, at, instruments: this.#instruments, rows: this.#standings.copy(this.#lineCount) }
  }

  #pass(line: Line, push: Push): void {
    const { depth, exchangeTime, time, hash } = push
    if (this.#standings.isAnchored(line.row) && !this.#passesAnchor(line, depth, time, hash)) return
    const sequence = this.#standings.pass(line.row, time, depth.Volume, hash)
    this.#options.publish({
      line,
      depth,
      epoch: this.#epoch,
      sequence,
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

  // What was published last is what the front still has: nothing can have been missed. Its push after a login is no news to the moment, so it is seen here.
  #resume(row: number, time: number): void {
    const standings = this.#standings
    if (time === standings.time(row) && this.#moments.newest(row) === standings.hash(row)) standings.release(row)
  }

  #passesAnchor({ row, instrument }: Line, depth: Depth, time: number, hash: number): boolean {
    const standings = this.#standings
    if (time === standings.time(row) && hash === standings.hash(row)) {
      standings.release(row)
      return false
    }
    const isOther = time < standings.time(row) - newTimelineMs
    if (this.#isNewer(row, time, depth.Volume) || isOther) {
      standings.release(row)
      this.#unmatched.push(instrument)
      return true
    }
    this.counters.stale++
    return false
  }

  // With nothing known of what the other account published, only what comes from now on is surely new.
  #release(line: Line, exact: boolean, opening: Opening): void {
    const count = this.#held.count(line.row)
    if (count === 0) return
    const start = this.#standings.isAnchored(line.row) ? this.#startAfterAnchor(line, opening) : exact ? 0 : count
    for (let i = start; i < count; i++) {
      const push = this.#held.read(line.row, i, line.instrument)
      if (push === undefined) continue
      opening.released++
      this.#pass(line, push)
    }
    this.#held.forget(line.row)
  }

  #startAfterAnchor({ row, instrument }: Line, opening: Opening): number {
    const standings = this.#standings
    const found = this.#held.find(row, standings.time(row), standings.hash(row))
    if (found >= 0) {
      standings.release(row)
      return found + 1
    }
    const newer = this.#held.findPush(row, (time, volume) => this.#isNewer(row, time, volume))
    if (newer < 0) return this.#held.count(row)
    standings.release(row)
    opening.overrun.push(instrument)
    return newer
  }

  #isNewer(row: number, time: number, volume: number): boolean {
    const published = this.#standings.time(row)
    return time > published || (time === published && volume > this.#standings.volume(row))
  }

  #sayFirst(): void {
    const onFirst = this.#onFirst
    this.#onFirst = undefined
    onFirst?.()
  }
}

function isInSession(hours: TradingHours, time: number, calendar: Calendar): boolean {
  if (time < hours.from || time >= hours.until) {
    hours.open = calendar.isOpen(hours.windows, time)
    hours.from = time
    hours.until = calendar.nextChange(hours.windows, time) ?? Number.POSITIVE_INFINITY
  }
  return hours.open
}
