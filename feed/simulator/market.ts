import type { Instrument } from '../../crds/contract/catalogue.ts'
import { noValue } from '../gateways/depth.ts'
import {
  askPriceIndex,
  bidPriceIndex,
  bookLevels,
  encodeTick,
  priceFields,
  type TickRecord,
  tickBytes,
  tickOffsets,
} from '../gateways/tickrecord.ts'
import { exchangeTime } from './clock.ts'

/** Places of a field in a record, in steps of its type. */
const at = Object.fromEntries(priceFields.map((field, index) => [field, index])) as Record<(typeof priceFields)[number], number>
const doubles = { record: tickBytes / 8, prices: tickOffsets.prices / 8 }
const integers = {
  record: tickBytes / 4,
  volumes: tickOffsets.volumes / 4,
  second: tickOffsets.second / 4,
  tradingDay: tickOffsets.tradingDay / 4,
  actionDay: tickOffsets.actionDay / 4,
}
const shorts = { record: tickBytes / 2, millisecond: tickOffsets.millisecond / 2 }

/** Daily limit, as most contracts have it (the recorded IF2101 has 10 %, AP010 6 %). */
const limitShare = 0.1

/**
 * The state of all instruments as a table of tick records: to tick is to change a row, to push is to copy it. Each instrument
 * walks by a generator of its own, so its path follows from the seed and from how often it ticked, whatever the others do.
 *
 * Shaped by the recordings: moves of no, one or two price steps; volume, turnover and extremes that only grow; one level of book,
 * five at SHFE and INE; CZCE with UpdateMillisec 0, a rounded average and a turnover made of it, which can decrease.
 */
export class Market {
  readonly count: number
  readonly instruments: Instrument[]
  readonly #table: Buffer
  readonly #doubles: Float64Array
  readonly #integers: Int32Array
  readonly #shorts: Uint16Array
  readonly #random: Uint32Array
  readonly #turnover: Float64Array
  readonly #czce: Uint8Array
  readonly #dce: Uint8Array
  readonly #levels: Uint8Array
  readonly #priceTick: Float64Array
  readonly #multiplier: Float64Array
  readonly #numbers: Map<string, number>
  #now = 0
  #time = exchangeTime(0)

  constructor(instruments: Instrument[], seed: number, startedAt: number) {
    this.count = instruments.length
    this.instruments = instruments
    const memory = new ArrayBuffer(this.count * tickBytes)
    this.#table = Buffer.from(memory)
    this.#doubles = new Float64Array(memory)
    this.#integers = new Int32Array(memory)
    this.#shorts = new Uint16Array(memory)
    this.#random = Uint32Array.from(instruments, (_, number) => seedOf(seed, number))
    this.#turnover = new Float64Array(this.count)
    this.#czce = Uint8Array.from(instruments, ({ exchange }) => (exchange === 'CZCE' ? 1 : 0))
    this.#dce = Uint8Array.from(instruments, ({ exchange }) => (exchange === 'DCE' ? 1 : 0))
    this.#levels = Uint8Array.from(instruments, ({ exchange }) => (exchange === 'SHFE' || exchange === 'INE' ? bookLevels : 1))
    this.#priceTick = Float64Array.from(instruments, ({ priceTick }) => priceTick)
    this.#multiplier = Float64Array.from(instruments, ({ multiplier }) => multiplier)
    this.#numbers = new Map(instruments.map(({ id }, number) => [id, number]))
    const view = new DataView(memory)
    for (let number = 0; number < this.count; number++) {
      encodeTick(view, number * tickBytes, number, this.#opening(number))
      this.#book(number)
      this.#stamp(number, startedAt)
    }
  }

  numberOf(instrument: string): number | undefined {
    return this.#numbers.get(instrument)
  }

  /** Records `from` up to `to` as they stand, a copy that later ticks do not change. */
  copy(from: number, to: number): Buffer {
    return Buffer.copyBytesFrom(this.#table, from * tickBytes, (to - from) * tickBytes)
  }

  /** One step of the instrument's walk; `now` in ms since 1970 becomes its exchange time. */
  step(number: number, now: number): void {
    this.#stamp(number, now)
    const random = this.#next(number)
    const price = this.#move(number, random & 0xff)
    this.#trade(number, price, (random >>> 8) & 0xff, random >>> 16)
    this.#book(number)
  }

  #stamp(number: number, now: number): void {
    if (now !== this.#now) {
      this.#now = now
      this.#time = exchangeTime(now)
    }
    const { second, millisecond, actionDay, tradingDay } = this.#time
    const row = number * integers.record
    this.#integers[row + integers.second] = second
    this.#integers[row + integers.tradingDay] = tradingDay
    // DCE sends its trading day where others send the calendar day.
    this.#integers[row + integers.actionDay] = this.#dce[number] === 1 ? tradingDay : actionDay
    this.#shorts[number * shorts.record + shorts.millisecond] = this.#czce[number] === 1 ? 0 : millisecond
  }

  #opening(number: number): TickRecord {
    const tick = this.#priceTick[number] ?? 1
    const steps = 400 + (this.#next(number) % 8000)
    const reach = Math.max(5, Math.round(steps * limitShare))
    const previous = rounded(steps * tick, tick)
    const openInterest = 100 + (this.#next(number) % 100_000)
    const values: Partial<Record<(typeof priceFields)[number], number>> = {
      LastPrice: previous,
      PreSettlementPrice: previous,
      PreClosePrice: previous,
      PreOpenInterest: openInterest,
      OpenPrice: previous,
      HighestPrice: previous,
      LowestPrice: previous,
      Turnover: 0,
      OpenInterest: openInterest,
      UpperLimitPrice: rounded((steps + reach) * tick, tick),
      LowerLimitPrice: rounded((steps - reach) * tick, tick),
    }
    const emptyBook = new Array<number>(2 * bookLevels).fill(noValue)
    return {
      tradingDay: 0,
      actionDay: 0,
      second: 0,
      millisecond: 0,
      prices: [...priceFields.map(field => values[field] ?? noValue), ...emptyBook],
      volumes: new Array<number>(1 + 2 * bookLevels).fill(0),
    }
  }

  /** Half of the ticks leave the price (as in IF2101's day), most others move one step; the limits hold it. */
  #move(number: number, random: number): number {
    const row = number * doubles.record + doubles.prices
    const tick = this.#priceTick[number] ?? 1
    const last = this.#doubles[row + at.LastPrice] ?? 0
    const steps = random < 128 ? 0 : random < 176 ? 1 : random < 224 ? -1 : random < 240 ? 2 : -2
    const moved = rounded(last + steps * tick, tick)
    const inside =
      moved <= (this.#doubles[row + at.UpperLimitPrice] ?? moved) && moved >= (this.#doubles[row + at.LowerLimitPrice] ?? moved)
    const price = inside ? moved : last
    this.#doubles[row + at.LastPrice] = price
    if (price > (this.#doubles[row + at.HighestPrice] ?? price)) this.#doubles[row + at.HighestPrice] = price
    if (price < (this.#doubles[row + at.LowestPrice] ?? price)) this.#doubles[row + at.LowestPrice] = price
    return price
  }

  /** One to eight lots as a rule, now and then up to a hundred. */
  #trade(number: number, price: number, random: number, interest: number): void {
    const row = number * doubles.record + doubles.prices
    const volumeAt = number * integers.record + integers.volumes
    const lots = 1 + (random < 248 ? random & 7 : random & 7) * (random < 248 ? 1 : 14)
    const volume = (this.#integers[volumeAt] ?? 0) + lots
    const turnover = (this.#turnover[number] ?? 0) + lots * price
    this.#integers[volumeAt] = volume
    this.#turnover[number] = turnover
    const multiplier = this.#multiplier[number] ?? 1
    const average = this.#czce[number] === 1 ? Math.round(turnover / volume) : (turnover / volume) * multiplier
    this.#doubles[row + at.AveragePrice] = average
    this.#doubles[row + at.Turnover] = this.#czce[number] === 1 ? average * volume : turnover * multiplier
    const change = (interest % (2 * lots + 1)) - lots
    this.#doubles[row + at.OpenInterest] = Math.max(0, (this.#doubles[row + at.OpenInterest] ?? 0) + change)
  }

  #book(number: number): void {
    const row = number * doubles.record + doubles.prices
    const volumes = number * integers.record + integers.volumes
    const tick = this.#priceTick[number] ?? 1
    const random = this.#next(number)
    const last = this.#doubles[row + at.LastPrice] ?? 0
    const bid = last - (random & 1) * tick
    const ask = last + (1 - (random & 1) + ((random >>> 1) & 1)) * tick
    const levels = this.#levels[number] ?? 1
    for (let level = 0; level < levels; level++) {
      this.#doubles[row + bidPriceIndex + level] = rounded(bid - level * tick, tick)
      this.#doubles[row + askPriceIndex + level] = rounded(ask + level * tick, tick)
      this.#integers[volumes + 1 + level] = 1 + ((random >>> (level + 2)) & 63)
      this.#integers[volumes + 1 + bookLevels + level] = 1 + ((random >>> (level + 10)) & 63)
    }
  }

  /** xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
  #next(number: number): number {
    let state = this.#random[number] ?? 1
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#random[number] = state
    return state >>> 0
  }
}

/** A start per instrument that is never 0: the multiplier is the one of Knuth's multiplicative hash. */
function seedOf(seed: number, number: number): number {
  return (Math.imul(seed + 1, 2654435761) ^ Math.imul(number + 1, 2246822519)) >>> 0 || 1
}

/** The nearest multiple of the price step, without the dust that binary fractions leave (0.1 + 0.2). */
function rounded(price: number, tick: number): number {
  return Math.round(Math.round(price / tick) * tick * 1e6) / 1e6
}
