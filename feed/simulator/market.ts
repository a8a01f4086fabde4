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
import type { ExchangeClock } from './clock.ts'
import { type Shape, shapeOf } from './shape.ts'

/** Places of a field in a record, in steps of its type. */
const fieldAt = Object.fromEntries(priceFields.map((field, index) => [field, index])) as Record<
  (typeof priceFields)[number],
  number
>
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

/** Ticks as they leave the market: whole frames one after the other, and the instrument of each. */
export type Batch = { bytes: Buffer; numbers: Int32Array }

/**
 * The state of all instruments as a table of tick records: to tick is to change a row, to push is to copy it. Each instrument
 * walks by a generator of its own, so its path follows from the seed and from how often it ticked, whatever the others do.
 *
 * Shaped by the recordings (`shape.ts`): the book moves or stands still, trades are at the bid, at the ask or between; volume and
 * extremes only grow; one level of book, five at SHFE and INE; CZCE with UpdateMillisec 0, a rounded average and a turnover made
 * of it, which can decrease. A new trading day begins with an instrument's first tick in it.
 */
export class Market {
  readonly count: number
  readonly instruments: Instrument[]
  readonly #clock: ExchangeClock
  readonly #table: Buffer
  readonly #doubles: Float64Array
  readonly #integers: Int32Array
  readonly #shorts: Uint16Array
  readonly #random: Uint32Array
  readonly #turnover: Float64Array
  readonly #at: Float64Array
  readonly #czce: Uint8Array
  readonly #dce: Uint8Array
  readonly #levels: Uint8Array
  readonly #shapes: Shape[]
  readonly #priceTick: Float64Array
  readonly #multiplier: Float64Array
  /** Best bid, steps between bid and ask, last price and limits, in price steps. */
  readonly #bids: Int32Array
  readonly #spreads: Uint8Array
  readonly #lasts: Int32Array
  readonly #uppers: Int32Array
  readonly #lowers: Int32Array
  readonly #numbers: Map<string, number>

  constructor(instruments: Instrument[], seed: number, startedAt: number, clock: ExchangeClock) {
    this.count = instruments.length
    this.instruments = instruments
    this.#clock = clock
    const memory = new ArrayBuffer(this.count * tickBytes)
    this.#table = Buffer.from(memory)
    this.#doubles = new Float64Array(memory)
    this.#integers = new Int32Array(memory)
    this.#shorts = new Uint16Array(memory)
    this.#random = Uint32Array.from(instruments, (_, number) => seedOf(seed, number))
    this.#turnover = new Float64Array(this.count)
    this.#at = new Float64Array(this.count)
    this.#czce = Uint8Array.from(instruments, ({ exchange }) => (exchange === 'CZCE' ? 1 : 0))
    this.#dce = Uint8Array.from(instruments, ({ exchange }) => (exchange === 'DCE' ? 1 : 0))
    this.#levels = Uint8Array.from(instruments, ({ exchange }) => (exchange === 'SHFE' || exchange === 'INE' ? bookLevels : 1))
    this.#shapes = instruments.map(shapeOf)
    this.#priceTick = Float64Array.from(instruments, ({ priceTick }) => priceTick)
    this.#multiplier = Float64Array.from(instruments, ({ multiplier }) => multiplier)
    this.#bids = new Int32Array(this.count)
    this.#spreads = new Uint8Array(this.count).fill(1)
    this.#lasts = new Int32Array(this.count)
    this.#uppers = new Int32Array(this.count)
    this.#lowers = new Int32Array(this.count)
    this.#numbers = new Map(instruments.map(({ id }, number) => [id, number]))
    const view = new DataView(memory)
    for (let number = 0; number < this.count; number++) {
      encodeTick(view, number * tickBytes, number, this.#opening(number))
      this.#stamp(number, startedAt)
      this.#book(number)
    }
  }

  numberOf(instrument: string): number | undefined {
    return this.#numbers.get(instrument)
  }

  /** Records as they stand, a copy that later ticks do not change. Neighbours in the list that are neighbours here cost one copy. */
  batch(numbers: Int32Array): Batch {
    const bytes = Buffer.allocUnsafeSlow(numbers.length * tickBytes)
    let start = 0
    for (let place = 1; place <= numbers.length; place++) {
      if (place < numbers.length && numbers[place] === (numbers[place - 1] ?? 0) + 1) continue
      const from = (numbers[start] ?? 0) * tickBytes
      this.#table.copy(bytes, start * tickBytes, from, from + (place - start) * tickBytes)
      start = place
    }
    return { bytes, numbers }
  }

  /** One step of the instrument's walk; `at` in ms since 1970 becomes its exchange time. Lots are multiplied at an open. */
  step(number: number, at: number, lotsFactor = 1): void {
    this.#stamp(number, at)
    const shape = this.#shapes[number]
    if (shape === undefined) return
    const random = this.#next(number)
    const isStill = ((random >>> 8) & 0xff) < shape.still
    if (!isStill) this.#moveBook(number, shape)
    if ((random & 0xff) >= shape.idle) this.#trade(number, shape, random >>> 16, lotsFactor)
    if (!isStill || (this.#next(number) & 0xff) >= shape.frozen) this.#book(number)
  }

  /** The push after the close: the last price and the day's average become close and settlement; nothing trades. */
  settle(number: number, at: number): void {
    this.#stamp(number, at)
    const row = number * doubles.record + doubles.prices
    this.#doubles[row + fieldAt.ClosePrice] = this.#doubles[row + fieldAt.LastPrice] ?? 0
    this.#doubles[row + fieldAt.SettlementPrice] = this.#settlement(number)
  }

  /** Writes the exchange time of a copied record anew: its own, moved by so many ms. */
  skew(bytes: Buffer, offset: number, number: number, byMs: number): void {
    const time = this.#clock.time((this.#at[number] ?? 0) + byMs)
    bytes.writeUInt16LE(this.#czce[number] === 1 ? 0 : time.millisecond, offset + tickOffsets.millisecond)
    bytes.writeUInt32LE(time.second, offset + tickOffsets.second)
    bytes.writeUInt32LE(time.tradingDay, offset + tickOffsets.tradingDay)
    bytes.writeUInt32LE(this.#dce[number] === 1 ? time.tradingDay : time.actionDay, offset + tickOffsets.actionDay)
  }

  #stamp(number: number, at: number): void {
    const { second, millisecond, actionDay, tradingDay } = this.#clock.time(at)
    const row = number * integers.record
    const previousDay = this.#integers[row + integers.tradingDay]
    if (previousDay !== tradingDay && previousDay !== 0) this.#newDay(number)
    this.#at[number] = at
    this.#integers[row + integers.second] = second
    this.#integers[row + integers.tradingDay] = tradingDay
    // DCE sends its trading day where others send the calendar day.
    this.#integers[row + integers.actionDay] = this.#dce[number] === 1 ? tradingDay : actionDay
    this.#shorts[number * shorts.record + shorts.millisecond] = this.#czce[number] === 1 ? 0 : millisecond
  }

  #opening(number: number): TickRecord {
    const steps = 400 + (this.#next(number) % 8000)
    const openInterest = 100 + (this.#next(number) % 100_000)
    this.#bids[number] = steps
    this.#lasts[number] = steps
    const values: Partial<Record<(typeof priceFields)[number], number>> = {
      ...this.#firstPrices(number, steps),
      PreOpenInterest: openInterest,
      OpenInterest: openInterest,
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

  /** Prices of a day before its first trade; the limits stand around the settlement of the day before. */
  #firstPrices(number: number, settlementSteps: number) {
    const tick = this.#priceTick[number] ?? 1
    const reach = Math.max(10, Math.round(settlementSteps * limitShare))
    const upper = settlementSteps + reach
    const lower = settlementSteps - reach
    this.#uppers[number] = upper
    this.#lowers[number] = lower
    this.#spreads[number] = 1
    this.#bids[number] = Math.min(Math.max(this.#bids[number] ?? 0, lower), upper - 1)
    const last = Math.min(Math.max(this.#lasts[number] ?? 0, lower), upper)
    this.#lasts[number] = last
    return {
      LastPrice: priced(last, tick),
      PreSettlementPrice: priced(settlementSteps, tick),
      PreClosePrice: priced(last, tick),
      OpenPrice: priced(last, tick),
      HighestPrice: priced(last, tick),
      LowestPrice: priced(last, tick),
      UpperLimitPrice: priced(upper, tick),
      LowerLimitPrice: priced(lower, tick),
      ClosePrice: noValue,
      SettlementPrice: noValue,
      AveragePrice: noValue,
      Turnover: 0,
    }
  }

  #newDay(number: number): void {
    const row = number * doubles.record + doubles.prices
    const close = this.#doubles[row + fieldAt.LastPrice] ?? 0
    const settlement = Math.round(this.#settlement(number) / (this.#priceTick[number] ?? 1))
    const fresh = { ...this.#firstPrices(number, settlement), PreClosePrice: close }
    for (const [field, value] of Object.entries(fresh)) this.#doubles[row + fieldAt[field as keyof typeof fresh]] = value
    this.#doubles[row + fieldAt.PreOpenInterest] = this.#doubles[row + fieldAt.OpenInterest] ?? 0
    this.#turnover[number] = 0
    this.#integers[number * integers.record + integers.volumes] = 0
  }

  /** The day's average on the price step; that of the day before where nothing traded. */
  #settlement(number: number): number {
    const row = number * doubles.record + doubles.prices
    const volume = this.#integers[number * integers.record + integers.volumes] ?? 0
    const tick = this.#priceTick[number] ?? 1
    const price = volume > 0 ? (this.#turnover[number] ?? 0) / volume : (this.#doubles[row + fieldAt.PreSettlementPrice] ?? 0)
    return priced(Math.round(price / tick), tick)
  }

  #moveBook(number: number, { moves, spreads }: Shape): void {
    const random = this.#next(number)
    const spread = spreads[random & 0xff] ?? 1
    const moved = (this.#bids[number] ?? 0) + (moves[(random >>> 8) & 0xff] ?? 0)
    this.#spreads[number] = spread
    this.#bids[number] = Math.min(Math.max(moved, this.#lowers[number] ?? moved), (this.#uppers[number] ?? moved) - spread)
  }

  #trade(number: number, shape: Shape, random: number, lotsFactor: number): void {
    const row = number * doubles.record + doubles.prices
    const price = this.#tradePrice(number, shape, random & 0x3f)
    this.#doubles[row + fieldAt.LastPrice] = price
    if (price > (this.#doubles[row + fieldAt.HighestPrice] ?? price)) this.#doubles[row + fieldAt.HighestPrice] = price
    if (price < (this.#doubles[row + fieldAt.LowestPrice] ?? price)) this.#doubles[row + fieldAt.LowestPrice] = price
    const lots = (shape.lots[random >>> 6] ?? 1) * lotsFactor
    const volumeAt = number * integers.record + integers.volumes
    const volume = (this.#integers[volumeAt] ?? 0) + lots
    if (volume === lots) this.#doubles[row + fieldAt.OpenPrice] = price
    const turnover = (this.#turnover[number] ?? 0) + lots * price
    this.#integers[volumeAt] = volume
    this.#turnover[number] = turnover
    const multiplier = this.#multiplier[number] ?? 1
    const average = this.#czce[number] === 1 ? Math.round(turnover / volume) : (turnover / volume) * multiplier
    this.#doubles[row + fieldAt.AveragePrice] = average
    this.#doubles[row + fieldAt.Turnover] = this.#czce[number] === 1 ? average * volume : turnover * multiplier
    this.#changeInterest(number, row, lots)
  }

  /** Bid, ask, between or one step outside; the limits hold it. */
  #tradePrice(number: number, { sides, sticky }: Shape, random: number): number {
    const [bidBelow, askBelow, insideBelow] = sides
    const bid = this.#bids[number] ?? 0
    const spread = this.#spreads[number] ?? 1
    const last = this.#lasts[number] ?? bid
    const stays = last >= bid && last <= bid + spread && (this.#next(number) & 0xff) < sticky
    if (stays) return priced(last, this.#priceTick[number] ?? 1)
    let steps = bid
    if (random >= bidBelow) {
      if (random < askBelow) steps = bid + spread
      else if (random < insideBelow) steps = bid + (spread > 1 ? 1 + (random % (spread - 1)) : random & 1)
      else steps = (random & 1) === 0 ? bid - 1 : bid + spread + 1
    }
    steps = Math.min(Math.max(steps, this.#lowers[number] ?? steps), this.#uppers[number] ?? steps)
    this.#lasts[number] = steps
    return priced(steps, this.#priceTick[number] ?? 1)
  }

  /** A fifth of the trades leave the open interest; it never changes by more than was traded, and mostly by much less. */
  #changeInterest(number: number, row: number, lots: number): void {
    const random = this.#next(number)
    if ((random & 0xff) < 51) return
    const share = ((random >>> 8) & 0xff) / 256
    const change = Math.max(1, Math.round(lots * share * share)) * ((random & 0x10000) === 0 ? 1 : -1)
    this.#doubles[row + fieldAt.OpenInterest] = Math.max(0, (this.#doubles[row + fieldAt.OpenInterest] ?? 0) + change)
  }

  #book(number: number): void {
    const row = number * doubles.record + doubles.prices
    const volumes = number * integers.record + integers.volumes
    const tick = this.#priceTick[number] ?? 1
    const bid = this.#bids[number] ?? 0
    const ask = bid + (this.#spreads[number] ?? 1)
    const depths = this.#shapes[number]?.depths
    const levels = this.#levels[number] ?? 1
    for (let level = 0; level < levels; level++) {
      const random = this.#next(number)
      this.#doubles[row + bidPriceIndex + level] = priced(bid - level, tick)
      this.#doubles[row + askPriceIndex + level] = priced(ask + level, tick)
      this.#integers[volumes + 1 + level] = depths?.[random & 0x3ff] ?? 1
      this.#integers[volumes + 1 + bookLevels + level] = depths?.[(random >>> 10) & 0x3ff] ?? 1
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

/** A number of price steps as a price, without the dust that binary fractions leave (0.1 + 0.2). */
function priced(steps: number, tick: number): number {
  return Math.round(steps * tick * 1e6) / 1e6
}
