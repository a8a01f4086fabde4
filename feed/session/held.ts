import { type Depth, noValue } from '../gateways/depth.ts'

/** Ticks that a closed gate keeps per instrument: two seconds at the front's two a second. */
export const maxHeldTicks = 4

/**
 * A push on its way through the gate. `time` orders it: the exchange time in ms, 0 where there is none, shifted in each further round of
 * a recording.
 */
export type Push = {
  depth: Depth
  receivedAt: number
  exchangeTime: number | null
  time: number
  hash: number
  snapshot: boolean
}

/** Where a line's pushes are: a place in the table, which of its rows is the oldest, and how many there are. */
export type HeldPlace = { slot: number; oldest: number; count: number }

const levels = 5
const at = { receivedAt: 0, exchangeTime: 1, time: 2, hash: 3, kind: 4, millisecond: 5, volume: 6, prices: 7, book: 21 } as const
const rowNumbers = at.book + 4 * levels
const kinds = { fresh: 0, snapshot: 1, mark: 2 } as const
const rowTexts = 3
const firstSlots = 64

/**
 * The newest pushes of every line while the gate is closed, in one table of numbers (26 MB for 20,000 lines). Kept as objects, they would
 * fill V8's old generation with 40,000 dead ones a second: 600 MB.
 */
export class HeldPushes {
  #numbers = new Float64Array(firstSlots * maxHeldTicks * rowNumbers)
  readonly #texts: string[] = []
  #slots = 0

  static place(): HeldPlace {
    return { slot: -1, oldest: 0, count: 0 }
  }

  /** Keeps a push as the newest of its line. */
  hold(place: HeldPlace, { depth, receivedAt, exchangeTime, time, hash, snapshot }: Push): void {
    const row = this.#nextRow(place)
    const numbers = this.#numbers
    const start = row * rowNumbers
    numbers[start + at.receivedAt] = receivedAt
    numbers[start + at.exchangeTime] = exchangeTime ?? Number.NaN
    numbers[start + at.time] = time
    numbers[start + at.hash] = hash
    numbers[start + at.kind] = snapshot ? kinds.snapshot : kinds.fresh
    writeDepth(numbers, start, depth)
    this.#texts[row * rowTexts] = depth.TradingDay
    this.#texts[row * rowTexts + 1] = depth.ActionDay
    this.#texts[row * rowTexts + 2] = depth.UpdateTime
  }

  /** Forgets a line's pushes and keeps in their place which tick was published last. */
  mark(place: HeldPlace, time: number, hash: number): void {
    place.count = 0
    const start = this.#nextRow(place) * rowNumbers
    this.#numbers[start + at.time] = time
    this.#numbers[start + at.hash] = hash
    this.#numbers[start + at.kind] = kinds.mark
  }

  /** Place from the oldest, counted from 0, of this very tick; -1 where it is not held. The newest counts, were there two. */
  find(place: HeldPlace, time: number, hash: number): number {
    for (let i = place.count - 1; i >= 0; i--) {
      const start = this.#start(place, i)
      if (this.#numbers[start + at.time] === time && this.#numbers[start + at.hash] === hash) return i
    }
    return -1
  }

  /** The oldest push for which `holds`; -1 where there is none. */
  findPush(place: HeldPlace, holds: (time: number, volume: number) => boolean): number {
    for (let i = 0; i < place.count; i++) {
      const start = this.#start(place, i)
      if (this.#numbers[start + at.kind] === kinds.mark) continue
      if (holds(this.#numbers[start + at.time] as number, this.#numbers[start + at.volume] as number)) return i
    }
    return -1
  }

  /** The push at a place from the oldest; `undefined` for the mark. */
  read(place: HeldPlace, i: number, instrument: string): Push | undefined {
    const start = this.#start(place, i)
    const numbers = this.#numbers
    const kind = numbers[start + at.kind]
    if (kind === kinds.mark) return undefined
    const exchangeTime = numbers[start + at.exchangeTime] as number
    return {
      depth: this.#readDepth(start, instrument),
      receivedAt: numbers[start + at.receivedAt] as number,
      exchangeTime: Number.isNaN(exchangeTime) ? null : exchangeTime,
      time: numbers[start + at.time] as number,
      hash: numbers[start + at.hash] as number,
      snapshot: kind === kinds.snapshot,
    }
  }

  #start({ slot, oldest }: HeldPlace, i: number): number {
    return (slot * maxHeldTicks + ((oldest + i) % maxHeldTicks)) * rowNumbers
  }

  #nextRow(place: HeldPlace): number {
    if (place.slot < 0) place.slot = this.#takeSlot()
    const next = (place.oldest + place.count) % maxHeldTicks
    if (place.count < maxHeldTicks) place.count++
    else place.oldest = (place.oldest + 1) % maxHeldTicks
    return place.slot * maxHeldTicks + next
  }

  #takeSlot(): number {
    const slot = this.#slots++
    const size = maxHeldTicks * rowNumbers
    if ((slot + 1) * size > this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    return slot
  }

  #readDepth(start: number, instrument: string): Depth {
    const numbers = this.#numbers
    const row = start / rowNumbers
    const price = (i: number): number => numbers[start + at.prices + i] as number
    const book = (side: number): number[] => {
      const from = start + at.book + side * levels
      return [...numbers.subarray(from, from + levels)]
    }
    return {
      TradingDay: this.#texts[row * rowTexts] ?? '',
      ActionDay: this.#texts[row * rowTexts + 1] ?? '',
      UpdateTime: this.#texts[row * rowTexts + 2] ?? '',
      UpdateMillisec: numbers[start + at.millisecond] as number,
      InstrumentID: instrument,
      ExchangeID: '',
      LastPrice: price(0),
      PreSettlementPrice: price(1),
      PreClosePrice: price(2),
      PreOpenInterest: price(3),
      OpenPrice: price(4),
      HighestPrice: price(5),
      LowestPrice: price(6),
      Volume: numbers[start + at.volume] as number,
      Turnover: price(7),
      OpenInterest: price(8),
      ClosePrice: price(9),
      SettlementPrice: price(10),
      UpperLimitPrice: price(11),
      LowerLimitPrice: price(12),
      AveragePrice: price(13),
      BidPrice: book(0),
      BidVolume: book(1),
      AskPrice: book(2),
      AskVolume: book(3),
    }
  }
}

function writeDepth(numbers: Float64Array, start: number, depth: Depth): void {
  numbers[start + at.millisecond] = depth.UpdateMillisec
  numbers[start + at.volume] = depth.Volume
  const prices = start + at.prices
  numbers[prices] = depth.LastPrice
  numbers[prices + 1] = depth.PreSettlementPrice
  numbers[prices + 2] = depth.PreClosePrice
  numbers[prices + 3] = depth.PreOpenInterest
  numbers[prices + 4] = depth.OpenPrice
  numbers[prices + 5] = depth.HighestPrice
  numbers[prices + 6] = depth.LowestPrice
  numbers[prices + 7] = depth.Turnover
  numbers[prices + 8] = depth.OpenInterest
  numbers[prices + 9] = depth.ClosePrice
  numbers[prices + 10] = depth.SettlementPrice
  numbers[prices + 11] = depth.UpperLimitPrice
  numbers[prices + 12] = depth.LowerLimitPrice
  numbers[prices + 13] = depth.AveragePrice
  const book = start + at.book
  for (let level = 0; level < levels; level++) {
    numbers[book + level] = depth.BidPrice[level] ?? noValue
    numbers[book + levels + level] = depth.BidVolume[level] ?? 0
    numbers[book + 2 * levels + level] = depth.AskPrice[level] ?? noValue
    numbers[book + 3 * levels + level] = depth.AskVolume[level] ?? 0
  }
}
