import type { Account } from '../../crds/contract/desired.ts'
import type { Tick } from '../../crds/contract/tick.ts'
import { noValue } from '../gateways/depth.ts'
import { isoOf } from '../gateways/exchangetime.ts'
import type { NumberedPush } from './numbered.ts'

/** What all ticks of one session share. */
export type TickSource = { feed: string; account: Account }

/** A push as a tick on the wire. `TickText` writes the same as text. */
export function tickOf(source: TickSource, push: NumberedPush): Tick {
  const { line, depth, exchangeTime } = push
  const tick: Tick = {
    feed: source.feed,
    account: source.account,
    epoch: push.epoch,
    sequence: push.sequence,
    instrument: line.instrument,
    exchange: line.exchange,
    tradingDay: push.tradingDay,
    exchangeTime: exchangeTime === null ? null : isoOf(exchangeTime),
    receivedAt: push.receivedAt,
    publishedAt: push.receivedAt,
    last: orNull(depth.LastPrice),
    volume: depth.Volume,
    turnover: orNull(depth.Turnover),
    openInterest: orNull(depth.OpenInterest),
    averagePrice: averageOf(depth.AveragePrice, push.averageDivisor),
    open: orNull(depth.OpenPrice),
    high: orNull(depth.HighestPrice),
    low: orNull(depth.LowestPrice),
    close: orNull(depth.ClosePrice),
    settlement: orNull(depth.SettlementPrice),
    previousClose: orNull(depth.PreClosePrice),
    previousSettlement: orNull(depth.PreSettlementPrice),
    previousOpenInterest: orNull(depth.PreOpenInterest),
    upperLimit: orNull(depth.UpperLimitPrice),
    lowerLimit: orNull(depth.LowerLimitPrice),
    bids: bookOf(depth.BidPrice, depth.BidVolume),
    asks: bookOf(depth.AskPrice, depth.AskVolume),
  }
  if (push.snapshot) tick.snapshot = true
  if (push.offSession) tick.offSession = true
  return tick
}

/**
 * `TRADINGDAY-EXCHANGE-INSTRUMENT-TIMEms-HASH`: the same tick from either account and in any epoch has the same id. The time is the
 * gate's, so that the rounds of a recording differ. A snapshot is no tick: it repeats one that was published before, and must not be
 * taken for it, or the stream would swallow it with its sequence.
 */
export function messageIdOf({ line, tradingDay, time, hash, snapshot }: NumberedPush): string {
  const id = `${tradingDay}-${line.exchange}-${line.instrument}-${time}-${hash}`
  return snapshot ? `${id}-snapshot` : id
}

function bookOf(prices: number[], volumes: number[]): [price: number, volume: number][] {
  const book: [price: number, volume: number][] = []
  for (let level = 0; level < prices.length; level++) {
    const price = prices[level] as number
    const volume = volumes[level] ?? 0
    if (isLevel(price, volume)) book.push([price, volume])
  }
  return book
}

/** `null` for no value. */
export function averageOf(price: number, divisor: number): number | null {
  return isValue(price) ? price / divisor : null
}

/** Whether a level of the book is one: the empty ones are left out. */
export const isLevel = (price: number, volume: number): boolean => volume > 0 && isValue(price)

export const orNull = (value: number): number | null => (isValue(value) ? value : null)
const isValue = (value: number): boolean => value !== noValue && Number.isFinite(value)
