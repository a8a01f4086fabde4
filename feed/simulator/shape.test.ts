import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../crds/contract/catalogue.ts'
import type { Depth } from '../gateways/depth.ts'
import { readRecording } from '../gateways/recording.ts'
import { TickDecoder, tickBytes } from '../gateways/tickrecord.ts'
import { ExchangeClock } from './clock.ts'
import { Market } from './market.ts'
import { type ShapeFigures, type ShapeTick, shapeFigures } from './shapefigures.ts'

const data = fileURLToPath(new URL('../../examples/data/ticks', import.meta.url))
const nine = Date.UTC(2026, 0, 5, 1)

function shapeTick(depth: Depth, priceTick: number): ShapeTick {
  return {
    last: Math.round(depth.LastPrice / priceTick),
    bid: Math.round((depth.BidPrice[0] ?? 0) / priceTick),
    ask: Math.round((depth.AskPrice[0] ?? 0) / priceTick),
    bidVolume: depth.BidVolume[0] ?? 0,
    askVolume: depth.AskVolume[0] ?? 0,
    volume: depth.Volume,
    openInterest: depth.OpenInterest,
    turnover: depth.Turnover,
  }
}

/** Continuous trading after its first minute. */
function recorded(file: string, priceTick: number): ShapeFigures {
  const { records, days } = readRecording(data, [file], { skipBreaks: false })
  const decoder = new TickDecoder()
  const name = { InstrumentID: '', ExchangeID: '' }
  const ticks = [...(days[0]?.rows ?? [])].map(row => structuredClone(decoder.decode(records, row * tickBytes, name)))
  const from = file.startsWith('cffex') ? '09:31:00' : '09:01:00'
  const trading = ticks.filter(
    ({ UpdateTime, BidPrice }) => UpdateTime >= from && UpdateTime < '15:00:00' && (BidPrice[0] ?? 0) > 0,
  )
  return shapeFigures(trading.map(depth => shapeTick(depth, priceTick)))
}

function simulated(exchange: Exchange, priceTick: number, steps = 25_000): ShapeFigures {
  const windows = { day: [] }
  const instrument = { id: 'x', exchange, product: 'x', class: 'future', multiplier: 10, priceTick, windows } as const
  const market = new Market([{ ...instrument, windows }], 3, nine, new ExchangeClock())
  const decoder = new TickDecoder()
  const ticks = Array.from({ length: steps }, (_, step) => {
    market.step(0, nine + step * 500)
    const { bytes } = market.batch(Int32Array.of(0))
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    return shapeTick(decoder.decode(view, 0, { InstrumentID: 'x', ExchangeID: exchange }), priceTick)
  })
  return shapeFigures(ticks)
}

/** How far a simulated figure may be from the recorded ones: shares by so much, the others by a factor. */
const tolerance = { share: 0.08, factor: 1.35 }

const absolute: (keyof ShapeFigures)[] = [
  'noTrade',
  'unchangedPrices',
  'unchangedBook',
  'unchangedLast',
  'unchangedLastOfTrades',
  'changeCorrelation',
  'tradesAtBidOrAsk',
  'unchangedInterestOfTrades',
  'decreasingTurnover',
]
const relative: (keyof ShapeFigures)[] = ['changeDeviation', 'meanSpread', 'lotsMedian', 'lotsMean', 'lots99']

/** The figures that lie outside of what was recorded and the tolerance around it. */
function offences(ours: ShapeFigures, real: ShapeFigures[]): string[] {
  const range = (figure: keyof ShapeFigures) => real.map(figures => figures[figure])
  const outside = (figure: keyof ShapeFigures, low: number, high: number) =>
    ours[figure] < low || ours[figure] > high ? [`${figure} is ${ours[figure]}, outside ${low} to ${high}`] : []
  return [
    ...absolute.flatMap(figure =>
      outside(figure, Math.min(...range(figure)) - tolerance.share, Math.max(...range(figure)) + tolerance.share),
    ),
    ...relative.flatMap(figure =>
      outside(figure, Math.min(...range(figure)) / tolerance.factor, Math.max(...range(figure)) * tolerance.factor),
    ),
  ]
}

describe('the shape of the ticks', () => {
  it.each([
    ['an index future', 'CFFEX', 0.2, ['cffex-IF2101-20210104.csv.gz']],
    ['a commodity future', 'CZCE', 1, ['czce-AP010-20200803.csv.gz', 'czce-AP010-20200804.csv.gz']],
  ] as const)('is that of the recordings for %s', (_name, exchange, priceTick, files) => {
    const real = files.map(file => recorded(file, priceTick))
    const ours = simulated(exchange, priceTick)
    expect(offences(ours, real)).toEqual([])
  })
})
