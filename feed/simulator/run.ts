import type { Activity } from './activity.ts'
import type { ExchangeClock } from './clock.ts'
import type { Faults } from './faults.ts'
import type { Front } from './front.ts'
import type { Hours } from './hours.ts'
import type { Market } from './market.ts'
import type { Due, Pacer } from './pacer.ts'
import { lotsFactors } from './shape.ts'
import { Sweep } from './sweep.ts'

/** Ticks leave and requests are answered once in this time; ticks of 5 ms share one write. */
const turnMs = 5
const heartbeatMs = 1000

/** An open takes a second: every instrument ticks in it. */
const openingMs = 1000

/** Sweeps under way; an order of more is refused. */
const maxSweeps = 64

/** How far the exchange's clock may drift from the machine's before it is set anew. */
const maxDriftMs = 50

export type RunParts = {
  market: Market
  front: Front
  faults: Faults
  pacer: Pacer
  activity: Activity
  clock: ExchangeClock
  hours: Hours | undefined
  /** Exchange time at the start, in ms since 1970; absent: the machine's, which is then kept. */
  startsAt: number | undefined
}

export type SweepKind = 'openingBurst' | 'auction' | 'settlement'

/** The running simulator: its two timers and what becomes of the market in each turn. */
export class Run {
  readonly #parts: RunParts
  readonly #numbers: Int32Array
  #baseRate: number
  /** Exchange time less monotonic time. */
  #offset: number
  #generated = 0
  #sweeps: Sweep[] = []
  #timers: NodeJS.Timeout[] = []

  constructor(parts: RunParts) {
    this.#parts = parts
    this.#numbers = new Int32Array(parts.market.count)
    this.#baseRate = parts.activity.rate
    this.#offset = (parts.startsAt ?? Date.now()) - performance.now()
  }

  get generated(): number {
    return this.#generated
  }

  get sweeps(): number {
    return this.#sweeps.length
  }

  start(): void {
    this.#timers = [setInterval(() => this.#turn(), turnMs), setInterval(() => this.#beat(), heartbeatMs)]
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** Exchange time now, in ms since 1970. */
  exchangeNow(): number {
    return performance.now() + this.#offset
  }

  /** The rate that holds while no fault sets another. */
  setRate(rate: number): void {
    this.#baseRate = rate
    this.applyFaults()
  }

  /** Brings the rates of the market and the sessions to the faults in force. */
  applyFaults(): void {
    const { activity, pacer, faults, front } = this.#parts
    const rate = faults.of('setRate', undefined)?.rate ?? this.#baseRate
    if (rate !== activity.rate) activity.setRate(rate)
    const trickles = faults.all('trickle', undefined)
    activity.setTrickles(number => trickles.findLast(({ covers }) => covers?.[number] !== 0)?.settings.rate ?? -1)
    if (pacer.rate !== activity.opportunities) pacer.setRate(activity.opportunities, performance.now())
    front.applyFaults(performance.now())
  }

  /** Pushes every instrument once within a time. Returns what is wrong where too many such pushes are under way. */
  sweep(kind: SweepKind, numbers: Int32Array, ms: number): string | undefined {
    if (this.#sweeps.length >= maxSweeps) return `${maxSweeps} bursts are under way, which is the most: wait for their end`
    const { market } = this.#parts
    const factor = kind === 'auction' ? lotsFactors.auction : lotsFactors.opening
    const act =
      kind === 'settlement' ? market.settle.bind(market) : (number: number, at: number) => market.step(number, at, factor)
    this.#sweeps.push(new Sweep(numbers, performance.now(), ms, act))
    return undefined
  }

  #turn(): void {
    const { front, faults, pacer } = this.#parts
    const now = performance.now()
    faults.expire(Date.now())
    this.#keepHours(now)
    front.acknowledge(now)
    for (const due of pacer.due(now)) this.#tick(due)
    for (const sweep of this.#sweeps) this.#sweep(sweep, now)
    if (this.#sweeps.length > 0) this.#sweeps = this.#sweeps.filter(({ isOver }) => !isOver)
  }

  #beat(): void {
    this.#parts.front.heartbeat()
    const drift = Date.now() - performance.now() - this.#offset
    if (this.#parts.startsAt === undefined && Math.abs(drift) > maxDriftMs) this.#offset += drift
  }

  #keepHours(now: number): void {
    for (const { what, numbers } of this.#parts.hours?.turn(now + this.#offset) ?? [])
      this.sweep(what === 'open' ? 'openingBurst' : 'auction', numbers, openingMs)
  }

  /** Instruments that nobody is subscribed to stand still, so that their state is stale when somebody comes. */
  #tick({ from, to, round, at, everyMs }: Due): void {
    const { market, activity, front, hours, faults } = this.#parts
    const stalled = faults.mask(undefined)
    let count = 0
    for (let number = from; number < to; number++) {
      if (front.subscribers[number] === 0 || stalled?.[number] === 1 || hours?.closed[number] === 1) continue
      if (!activity.ticks(number, round)) continue
      market.step(number, at + (number - from) * everyMs + this.#offset)
      this.#numbers[count++] = number
    }
    this.#push(this.#numbers.slice(0, count))
  }

  #sweep(sweep: Sweep, now: number): void {
    const stalled = this.#parts.faults.mask(undefined)
    const due = sweep.due(now).filter(number => this.#parts.front.subscribers[number] !== 0 && stalled?.[number] !== 1)
    for (const number of due) sweep.act(number, now + this.#offset)
    this.#push(due)
  }

  #push(numbers: Int32Array): void {
    if (numbers.length === 0) return
    this.#generated += numbers.length
    this.#parts.front.push(this.#parts.market.batch(numbers))
  }
}
