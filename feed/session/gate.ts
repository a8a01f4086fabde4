import type { Calendar } from '../calendar/calendar.ts'
import type { Depth } from '../gateways/depth.ts'
import { exchangeTimeOf, tradingDayOf } from '../gateways/exchangetime.ts'
import type { NumberedPush } from '../publish/numbered.ts'
import { fingerprintOf } from './fingerprint.ts'
import { HeldPushes, type Push } from './held.ts'
import type { Line, TradingHours } from './line.ts'
import { Moments } from './moments.ts'
import { type Position, takeOver } from './position.ts'
import { Standings, takenOver } from './standings.ts'

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

/** Exchange times of one line come by the receive clock as even as this: CZCE's have whole seconds. */
const unevenMs = 2000

/** The newest published tick of a line was at the most so long ago that its exchange time says when, ms: before a weekend. Longer ago it is of another timeline. */
const knownMs = 4 * 24 * 3_600_000

/** What an opening gate let through at once, and the instruments of which ticks may be missing before it: since when, ms since 1970. */
export type Opening = { released: number; overrun: string[]; from: number }

/** Instruments of which ticks may be missing since `from`. */
export type Missed = { instruments: string[]; from: number }

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
  #openedFrom = 0
  /** By whether the session itself has missed something, or goes on from where another one stood. */
  #unmatched = { lost: nothingMissed(), takenOver: nothingMissed() }

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
    const opening: Opening = { released: 0, overrun: [], from: position.at }
    if (this.#isOpen) return opening
    this.#isOpen = true
    this.#openedFrom = position.at
    this.#reserve()
    takeOver(this.#instruments, this.#standings, position)
    for (const line of this.#options.lines.values()) {
      this.#release(line, position.exact, opening)
      if (!line.seen && line.lostAt > 0) this.#standings.drop(line.row, line.lostAt)
    }
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

  /**
   * The connection was lost at `since`. After the next login the front may push again what has been published: the lines wait until the stream is past
   * it.
   */
  anchor(since: number): void {
    for (let row = 0; row < this.#lineCount; row++) this.#standings.drop(row, since)
  }

  /** Instruments whose stream did not contain the newest published tick: something may be missing before what came. Clears the lists. */
  takeUnmatched(): { lost: Missed; takenOver: Missed } {
    const taken = this.#unmatched
    this.#unmatched = { lost: nothingMissed(), takenOver: nothingMissed() }
    return taken
  }

  /** A push of the front. Answers whether it says anything new. */
  observe(line: Line, depth: Depth, receivedAt: number, snapshot: boolean): boolean {
    const exchangeTime = exchangeTimeOf(depth, receivedAt, snapshot, this.#options.calendar.days)
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
    if (this.#standings.isAnchored(line.row) && !this.#passesAnchor(line, push)) return
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

  #passesAnchor({ row, instrument }: Line, { depth, receivedAt, time, hash }: Push): boolean {
    const standings = this.#standings
    if (time === standings.time(row) && hash === standings.hash(row)) {
      standings.release(row)
      return false
    }
    const isOther = time < standings.time(row) - newTimelineMs
    if (this.#isNewer(row, time, depth.Volume) || isOther) {
      const since = standings.anchor(row)
      const isLost = since !== takenOver
      const missed = isLost ? this.#unmatched.lost : this.#unmatched.takenOver
      missed.instruments.push(instrument)
      missed.from = Math.min(missed.from, isLost ? since : this.#passedAt(row, time, receivedAt))
      standings.release(row)
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

  #startAfterAnchor({ row, instrument, lostAt }: Line, opening: Opening): number {
    const [standings, held] = [this.#standings, this.#held]
    const found = held.find(row, standings.time(row), standings.hash(row))
    if (found >= 0) {
      standings.release(row)
      // This session was cut off too since then, and so nobody has what came meanwhile.
      if (lostAt > 0 && held.hasSnapshot(row, found + 1)) overrun(opening, instrument, held.receivedAt(row, found) ?? lostAt)
      return found + 1
    }
    const newer = held.findPush(row, (time, volume) => this.#isNewer(row, time, volume))
    if (newer < 0) return held.count(row)
    overrun(opening, instrument, this.#passedAt(row, held.time(row, newer), held.receivedAt(row, newer) ?? opening.from))
    standings.release(row)
    return newer
  }

  // When this session received, or should have, the newest published tick: by what lay between the two for the exchange.
  #passedAt(row: number, time: number, receivedAt: number): number {
    const elapsedMs = time - this.#standings.time(row)
    const isKnown = elapsedMs >= 0 && elapsedMs <= knownMs
    return isKnown ? Math.min(this.#openedFrom, receivedAt - elapsedMs - unevenMs) : this.#openedFrom
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

function overrun(opening: Opening, instrument: string, from: number): void {
  opening.overrun.push(instrument)
  opening.from = Math.min(opening.from, from)
}

const nothingMissed = (): Missed => ({ instruments: [], from: Number.POSITIVE_INFINITY })

function isInSession(hours: TradingHours, time: number, calendar: Calendar): boolean {
  if (time < hours.from || time >= hours.until) {
    hours.open = calendar.isOpen(hours.windows, time)
    hours.from = time
    hours.until = calendar.nextChange(hours.windows, time) ?? Number.POSITIVE_INFINITY
  }
  return hours.open
}
