import { describe, expect, it } from 'vitest'
import type { Exchange, Instrument } from '../../crds/contract/catalogue.ts'
import { type Depth, noValue } from '../gateways/depth.ts'
import { TickDecoder } from '../gateways/tickrecord.ts'
import { ExchangeClock } from './clock.ts'
import { Market } from './market.ts'

const noon = Date.UTC(2026, 0, 5, 4, 0, 0, 250)

function instrument(id: string, exchange: Exchange, priceTick = 1): Instrument {
  return {
    id,
    exchange,
    product: id.slice(0, 2),
    class: 'future',
    multiplier: 10,
    priceTick,
    windows: { day: [['09:00:00', '15:00:00']] },
  }
}

function read(market: Market, number: number): Depth {
  const bytes = market.batch(Int32Array.of(number)).bytes
  return new TickDecoder().decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, {
    InstrumentID: '',
    ExchangeID: '',
  })
}

function walk(market: Market, number: number, steps: number): Depth[] {
  return Array.from({ length: steps }, (_, step) => {
    market.step(number, noon + step * 500)
    return read(market, number)
  })
}

describe('the market', () => {
  const instruments = [instrument('AP610', 'CZCE'), instrument('rb2605', 'SHFE', 0.2), instrument('i2605', 'DCE', 0.5)]

  it('walks the same way for the same seed, whatever the others do', () => {
    const [one, other] = [
      new Market(instruments, 7, noon, new ExchangeClock()),
      new Market(instruments, 7, noon, new ExchangeClock()),
    ]
    walk(other, 0, 100)
    expect(walk(one, 1, 200)).toEqual(walk(other, 1, 200))
    expect(walk(new Market(instruments, 8, noon, new ExchangeClock()), 1, 200)).not.toEqual(
      walk(new Market(instruments, 7, noon, new ExchangeClock()), 1, 200),
    )
  })

  it('keeps every price on the price step for a whole day', () => {
    const off = (price: number) => Math.abs(price * 5 - Math.round(price * 5)) > 1e-6
    const ticks = walk(new Market(instruments, 1, noon, new ExchangeClock()), 1, 20_000)
    expect(ticks.filter(({ LastPrice, BidPrice, AskPrice }) => [LastPrice, ...BidPrice, ...AskPrice].some(off))).toEqual([])
  })

  it('ticks as CZCE does: no milliseconds, and a turnover made of a rounded average, which can decrease', () => {
    const ticks = walk(new Market(instruments, 1, noon, new ExchangeClock()), 0, 2000)
    expect(ticks.every(tick => tick.UpdateMillisec === 0 && tick.Turnover === tick.AveragePrice * tick.Volume)).toBe(true)
    expect(ticks.some((tick, index) => tick.Turnover < (ticks[index - 1]?.Turnover ?? 0))).toBe(true)
  })

  it('has five levels at SHFE and one at DCE', () => {
    const market = new Market(instruments, 1, noon, new ExchangeClock())
    expect(read(market, 1).BidPrice).not.toContain(noValue)
    expect(read(market, 2).BidPrice.slice(1)).toEqual([noValue, noValue, noValue, noValue])
    expect(read(market, 2).BidVolume.slice(1)).toEqual([0, 0, 0, 0])
  })

  it('sends the trading day as the calendar day at DCE only', () => {
    const evening = Date.UTC(2026, 0, 9, 13, 30)
    const market = new Market(instruments, 1, evening, new ExchangeClock())
    expect(read(market, 1)).toMatchObject({ ActionDay: '20260109', TradingDay: '20260112', UpdateTime: '21:30:00' })
    expect(read(market, 2)).toMatchObject({ ActionDay: '20260112', TradingDay: '20260112' })
  })

  it('copies records that later ticks do not change', () => {
    const market = new Market(instruments, 1, noon, new ExchangeClock())
    const copy = market.batch(Int32Array.of(0, 1, 2)).bytes
    const before = Buffer.from(copy)
    walk(market, 1, 10)
    expect(copy.equals(before)).toBe(true)
  })
})
