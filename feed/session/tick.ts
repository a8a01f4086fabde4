import type { Account } from '../../crds/contract/desired.ts'
import type { Tick } from '../../crds/contract/tick.ts'
import { type Depth, noValue } from '../gateways/depth.ts'
import { isNight, isoOf, timeOfDayOf } from './exchangetime.ts'
import type { Line } from './line.ts'

/** What the ticks of one session share. `tradingDay` is the front's answer to the login, '' before it. */
export type TickSource = { feed: string; account: Account; epoch: number; tradingDay: string }

/** What is worked out about a push before it may pass the gate. */
export type PushFacts = { exchangeTime: number | null; receivedAt: number; snapshot: boolean }

/** A push as a tick on the wire. `publishedAt` is the publisher's to set. */
export function tickOf(source: TickSource, line: Line, depth: Depth, push: PushFacts, offSession: boolean): Tick {
  const tick: Tick = {
    feed: source.feed,
    account: source.account,
    epoch: source.epoch,
    sequence: line.sequence,
    instrument: line.instrument,
    exchange: line.exchange,
    tradingDay: tradingDayOf(line, depth, source.tradingDay),
    exchangeTime: push.exchangeTime === null ? null : isoOf(push.exchangeTime),
    receivedAt: push.receivedAt,
    publishedAt: push.receivedAt,
    last: orNull(depth.LastPrice),
    volume: depth.Volume,
    turnover: orNull(depth.Turnover),
    openInterest: orNull(depth.OpenInterest),
    averagePrice: averageOf(depth.AveragePrice, line.averageDivisor),
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
  if (offSession) tick.offSession = true
  return tick
}

/**
 * `TRADINGDAY-EXCHANGE-INSTRUMENT-TIMEms-HASH`: the same tick from either account and in any epoch has the same id. `time` is the
 * gate's, so that the rounds of a recording differ. A snapshot is no tick: it repeats one that was published before, and must not be
 * taken for it, or the stream would swallow it with its sequence.
 */
export function messageIdOf(tick: Tick, time: number, hash: number): string {
  const id = `${tick.tradingDay}-${tick.exchange}-${tick.instrument}-${time}-${hash}`
  return tick.snapshot ? `${id}-snapshot` : id
}

// CZCE books its night pushes under the calendar day; the front's login answer has the day that they belong to.
function tradingDayOf(line: Line, depth: Depth, loginDay: string): string {
  const isLate = line.exchange === 'CZCE' && loginDay > depth.TradingDay && isNight(timeOfDayOf(depth.UpdateTime))
  return isLate ? loginDay : depth.TradingDay
}

function bookOf(prices: number[], volumes: number[]): [price: number, volume: number][] {
  const book: [price: number, volume: number][] = []
  for (let level = 0; level < prices.length; level++) {
    const price = prices[level] as number
    const volume = volumes[level] ?? 0
    if (volume > 0 && isValue(price)) book.push([price, volume])
  }
  return book
}

function averageOf(price: number, divisor: number): number | null {
  return isValue(price) ? price / divisor : null
}

const orNull = (value: number): number | null => (isValue(value) ? value : null)
const isValue = (value: number): boolean => value !== noValue && Number.isFinite(value)
