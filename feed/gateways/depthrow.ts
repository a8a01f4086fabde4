import { type Depth, noValue } from './depth.ts'
import { bookLevels } from './tickrecord.ts'

/** Numbers of a row that hold a depth: millisecond, volume, 14 prices, and the book side by side. Its texts are the caller's. */
export const depthNumbers = 2 + 14 + 4 * bookLevels

const at = { millisecond: 0, volume: 1, prices: 2, bids: 16 } as const
const bidVolumes = at.bids + bookLevels
const asks = bidVolumes + bookLevels
const askVolumes = asks + bookLevels

/** Where the volume of a depth is, from the row's start. */
export const depthVolume = at.volume

/** Writes a depth as numbers. Levels that it does not have are written as empty ones. */
export function writeDepth(numbers: Float64Array, start: number, depth: Depth): void {
  numbers[start] = depth.UpdateMillisec
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
  for (let level = 0; level < bookLevels; level++) {
    numbers[start + at.bids + level] = depth.BidPrice[level] ?? noValue
    numbers[start + bidVolumes + level] = depth.BidVolume[level] ?? 0
    numbers[start + asks + level] = depth.AskPrice[level] ?? noValue
    numbers[start + askVolumes + level] = depth.AskVolume[level] ?? 0
  }
}

/** Reads the numbers back into a depth, whose texts stay as they are. */
export function readDepth(numbers: Float64Array, start: number, depth: Depth): void {
  depth.UpdateMillisec = numbers[start] as number
  depth.Volume = numbers[start + at.volume] as number
  const prices = start + at.prices
  depth.LastPrice = numbers[prices] as number
  depth.PreSettlementPrice = numbers[prices + 1] as number
  depth.PreClosePrice = numbers[prices + 2] as number
  depth.PreOpenInterest = numbers[prices + 3] as number
  depth.OpenPrice = numbers[prices + 4] as number
  depth.HighestPrice = numbers[prices + 5] as number
  depth.LowestPrice = numbers[prices + 6] as number
  depth.Turnover = numbers[prices + 7] as number
  depth.OpenInterest = numbers[prices + 8] as number
  depth.ClosePrice = numbers[prices + 9] as number
  depth.SettlementPrice = numbers[prices + 10] as number
  depth.UpperLimitPrice = numbers[prices + 11] as number
  depth.LowerLimitPrice = numbers[prices + 12] as number
  depth.AveragePrice = numbers[prices + 13] as number
  for (let level = 0; level < bookLevels; level++) {
    depth.BidPrice[level] = numbers[start + at.bids + level] as number
    depth.BidVolume[level] = numbers[start + bidVolumes + level] as number
    depth.AskPrice[level] = numbers[start + asks + level] as number
    depth.AskVolume[level] = numbers[start + askVolumes + level] as number
  }
}
