import type { Tick } from '../../crds/contract/tick.ts'
import { noValue } from '../gateways/depth.ts'
import { wallClock } from '../wallclock.ts'
import type { NumberedPush, TickLine } from './numbered.ts'
import { tickOf } from './tick.ts'

const exchangeTime = Date.UTC(2026, 10, 24, 1, 0, 0, 500)

const depth: NumberedPush['depth'] = {
  TradingDay: '20261124',
  ActionDay: '20261124',
  UpdateTime: '09:00:00',
  UpdateMillisec: 500,
  InstrumentID: '',
  ExchangeID: '',
  LastPrice: 3500,
  PreSettlementPrice: 3485,
  PreClosePrice: 3488,
  PreOpenInterest: 1_800_000,
  OpenPrice: 3490,
  HighestPrice: 3512,
  LowestPrice: 3481,
  Volume: 1_234_567,
  Turnover: 43_209_845_000,
  OpenInterest: 1_812_345,
  ClosePrice: noValue,
  SettlementPrice: noValue,
  UpperLimitPrice: 3728,
  LowerLimitPrice: 3241,
  AveragePrice: 34_999.8,
  BidPrice: [3499, 3498, 3497, 3496, 3495],
  BidVolume: [120, 310, 88, 455, 90],
  AskPrice: [3500, 3501, 3502, 3503, 3504],
  AskVolume: [95, 210, 130, 64, 300],
}

export const sampleLine = (instrument = 'rb2605'): TickLine => ({ instrument, exchange: 'SHFE' })

/** A push of a line with all values, for tests and measurements. */
export function samplePush(line: TickLine, part: Partial<NumberedPush> = {}): NumberedPush {
  const numbers = { epoch: 1, sequence: 1, averageDivisor: 10, exchangeTime, time: exchangeTime, receivedAt: wallClock() }
  return {
    line,
    depth,
    tradingDay: '20261124',
    ...numbers,
    hash: part.sequence ?? 1,
    snapshot: false,
    offSession: false,
    ...part,
  }
}

/** The tick of such a push, with fields of its own where they are given. */
export function sampleTick(part: Partial<Tick> = {}): Tick {
  const tick = tickOf({ feed: 'default/demo', account: 'primary' }, samplePush(sampleLine()))
  return { ...tick, publishedAt: 0, ...part }
}
