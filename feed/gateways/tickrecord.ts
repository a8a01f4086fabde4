import { type Depth, emptyDepth } from './depth.ts'
import { frameTypes } from './frame.ts'

/**
 * One tick as a fixed record: a whole frame (`frame.ts`), so that a table of records is also what goes over the wire.
 *
 *     0  u32 length of the rest      8  u32 instrument number        16  u32 TradingDay YYYYMMDD    24  f64 x 24 prices
 *     4  u8  type, u8 zero          12  u32 UpdateTime, s of day     20  u32 ActionDay YYYYMMDD    216  i32 x 11 volumes
 *     6  u16 UpdateMillisec                                                                        260  zero
 *
 * Prices: `priceFields` in order, then bids and asks, five each. Volumes: Volume, five bids, five asks. The size is a multiple of 8
 * and prices are aligned, so that the simulator and the replay hold tables of records as typed arrays.
 */
export const tickBytes = 264

export const tickOffsets = {
  millisecond: 6,
  number: 8,
  second: 12,
  tradingDay: 16,
  actionDay: 20,
  prices: 24,
  volumes: 216,
} as const

export const bookLevels = 5

export const priceFields = [
  'LastPrice',
  'PreSettlementPrice',
  'PreClosePrice',
  'PreOpenInterest',
  'OpenPrice',
  'HighestPrice',
  'LowestPrice',
  'Turnover',
  'OpenInterest',
  'ClosePrice',
  'SettlementPrice',
  'UpperLimitPrice',
  'LowerLimitPrice',
  'AveragePrice',
] as const satisfies (keyof Depth)[]

export const bidPriceIndex = priceFields.length
export const askPriceIndex = bidPriceIndex + bookLevels

/** Name and exchange that a record's number stands for. */
export type TickName = { InstrumentID: string; ExchangeID: string }

/** What a record holds besides its number: 24 prices and 11 volumes in the record's order. */
export type TickRecord = {
  tradingDay: number
  actionDay: number
  second: number
  millisecond: number
  prices: number[]
  volumes: number[]
}

export function encodeTick(view: DataView, offset: number, number: number, record: TickRecord): void {
  view.setUint32(offset, tickBytes - 4, true)
  view.setUint8(offset + 4, frameTypes.tick)
  view.setUint16(offset + tickOffsets.millisecond, record.millisecond, true)
  view.setUint32(offset + tickOffsets.number, number, true)
  view.setUint32(offset + tickOffsets.second, record.second, true)
  view.setUint32(offset + tickOffsets.tradingDay, record.tradingDay, true)
  view.setUint32(offset + tickOffsets.actionDay, record.actionDay, true)
  for (const [index, price] of record.prices.entries()) view.setFloat64(offset + tickOffsets.prices + index * 8, price, true)
  for (const [index, volume] of record.volumes.entries()) view.setInt32(offset + tickOffsets.volumes + index * 4, volume, true)
}

/**
 * Reads records back, into one depth that is written anew by each call: at 40,000 pushes a second an object for each would be an eighth of
 * all that a session allocates. Texts of days and seconds are kept from tick to tick, because neighbours share them.
 */
export class TickDecoder {
  readonly #depth = emptyDepth()
  readonly #days = new Map<number, string>()
  #second = -1
  #secondText = ''

  /** The depth holds until the next call. */
  decode(view: DataView, offset: number, name: TickName): Depth {
    const depth = this.#depth
    depth.TradingDay = this.#day(view.getUint32(offset + tickOffsets.tradingDay, true))
    depth.ActionDay = this.#day(view.getUint32(offset + tickOffsets.actionDay, true))
    depth.UpdateTime = this.#time(view.getUint32(offset + tickOffsets.second, true))
    depth.UpdateMillisec = view.getUint16(offset + tickOffsets.millisecond, true)
    depth.InstrumentID = name.InstrumentID
    depth.ExchangeID = name.ExchangeID
    readPrices(depth, view, offset + tickOffsets.prices)
    readBook(depth, view, offset)
    return depth
  }

  #day(day: number): string {
    const known = this.#days.get(day)
    if (known !== undefined) return known
    if (this.#days.size >= maxRememberedDays) this.#days.clear()
    const text = String(day).padStart(8, '0')
    this.#days.set(day, text)
    return text
  }

  #time(second: number): string {
    if (second !== this.#second) {
      this.#second = second
      this.#secondText = timeOfDay(second)
    }
    return this.#secondText
  }
}

function readPrices(depth: Depth, view: DataView, at: number): void {
  depth.LastPrice = view.getFloat64(at, true)
  depth.PreSettlementPrice = view.getFloat64(at + 8, true)
  depth.PreClosePrice = view.getFloat64(at + 16, true)
  depth.PreOpenInterest = view.getFloat64(at + 24, true)
  depth.OpenPrice = view.getFloat64(at + 32, true)
  depth.HighestPrice = view.getFloat64(at + 40, true)
  depth.LowestPrice = view.getFloat64(at + 48, true)
  depth.Turnover = view.getFloat64(at + 56, true)
  depth.OpenInterest = view.getFloat64(at + 64, true)
  depth.ClosePrice = view.getFloat64(at + 72, true)
  depth.SettlementPrice = view.getFloat64(at + 80, true)
  depth.UpperLimitPrice = view.getFloat64(at + 88, true)
  depth.LowerLimitPrice = view.getFloat64(at + 96, true)
  depth.AveragePrice = view.getFloat64(at + 104, true)
}

function readBook(depth: Depth, view: DataView, offset: number): void {
  const bids = offset + tickOffsets.prices + bidPriceIndex * 8
  const asks = offset + tickOffsets.prices + askPriceIndex * 8
  const volumes = offset + tickOffsets.volumes
  depth.Volume = view.getInt32(volumes, true)
  for (let level = 0; level < bookLevels; level++) {
    depth.BidPrice[level] = view.getFloat64(bids + level * 8, true)
    depth.AskPrice[level] = view.getFloat64(asks + level * 8, true)
    depth.BidVolume[level] = view.getInt32(volumes + 4 + level * 4, true)
    depth.AskVolume[level] = view.getInt32(volumes + 4 + (bookLevels + level) * 4, true)
  }
}

const maxRememberedDays = 64

export function secondOfDay(time: string): number {
  return Number(time.slice(0, 2)) * 3600 + Number(time.slice(3, 5)) * 60 + Number(time.slice(6, 8))
}

function timeOfDay(second: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`
}
