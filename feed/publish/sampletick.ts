import type { Tick } from '../../crds/contract/tick.ts'
import { wallClock } from './encoding.ts'

/** A tick with all fields, for tests and measurements. */
export function sampleTick(part: Partial<Tick> = {}): Tick {
  return {
    feed: 'default/demo',
    account: 'primary',
    epoch: 1,
    sequence: 1,
    instrument: 'rb2605',
    exchange: 'SHFE',
    tradingDay: '20261124',
    exchangeTime: '2026-11-24T09:00:00.500+08:00',
    receivedAt: wallClock(),
    publishedAt: 0,
    last: 3500,
    volume: 1_234_567,
    turnover: 43_209_845_000,
    openInterest: 1_812_345,
    averagePrice: 3499.98,
    open: 3490,
    high: 3512,
    low: 3481,
    close: null,
    settlement: null,
    previousClose: 3488,
    previousSettlement: 3485,
    previousOpenInterest: 1_800_000,
    upperLimit: 3728,
    lowerLimit: 3241,
    bids: [
      [3499, 120],
      [3498, 310],
      [3497, 88],
      [3496, 455],
      [3495, 90],
    ],
    asks: [
      [3500, 95],
      [3501, 210],
      [3502, 130],
      [3503, 64],
      [3504, 300],
    ],
    ...part,
  }
}
