import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../crds/contract/catalogue.ts'
import { noOverrides } from '../calendar/overrides.ts'
import { tradingDaysOf } from '../calendar/tradingdays.ts'
import { type Depth, noValue } from '../gateways/depth.ts'
import { exchangeTimeOf, tradingDayOf } from '../gateways/exchangetime.ts'
import { readRecording } from '../gateways/recording.ts'
import { TickDecoder, tickBytes } from '../gateways/tickrecord.ts'
import { fingerprintOf } from '../session/fingerprint.ts'
import { type Line, linesOf } from '../session/line.ts'
import { depthWith, groupOf } from '../session/testing.ts'
import type { NumberedPush } from './numbered.ts'
import { samplePush } from './sampletick.ts'
import { messageIdOf, type TickSource, tickOf } from './tick.ts'

const source: TickSource = { feed: 'n/f', account: 'primary' }
const receivedAt = Date.UTC(2020, 7, 3, 2)
const days = tradingDaysOf(noOverrides)

function lineFor(exchange: Exchange, multiplier: number, instrument = 'AP010'): Line {
  const [line] = linesOf([{ ...groupOf([instrument]), exchange, multiplier }], new Map())
  if (line === undefined) throw new Error('no line')
  return line
}

function pushOf(line: Line, depth: Depth, part: Partial<NumberedPush> = {}): NumberedPush {
  const tradingDay = tradingDayOf(line.exchange, depth, '20200804')
  const { averageDivisor } = line
  const times = { exchangeTime: exchangeTimeOf(depth, receivedAt, false, days), receivedAt }
  return samplePush(line, { depth, tradingDay, averageDivisor, ...times, ...part })
}

const normalised = (line: Line, depth: Depth, part: Partial<NumberedPush> = {}) => tickOf(source, pushOf(line, depth, part))

function recorded(file: string): Depth[] {
  const { records, names, days } = readRecording(join(import.meta.dirname, '../../examples/data'), [file], { skipBreaks: true })
  const decoder = new TickDecoder()
  return [...(days[0]?.rows ?? [])].map(row =>
    structuredClone(decoder.decode(records, row * tickBytes, names[0] ?? { InstrumentID: '', ExchangeID: '' })),
  )
}

describe('a tick', () => {
  it('says null where the front has no value, and never 0 in its place', () => {
    const tick = normalised(lineFor('SHFE', 10), depthWith({ LastPrice: 0 }))
    expect(tick.last).toBe(0)
    const { open, high, low, close, settlement, averagePrice, turnover, openInterest, upperLimit } = tick
    expect([open, high, low, close, settlement, averagePrice, turnover, openInterest, upperLimit]).toEqual(Array(9).fill(null))
  })

  it('has the average price per unit, at CZCE as the front sends it', () => {
    const depth = depthWith({ AveragePrice: 71_690 })
    expect(normalised(lineFor('SHFE', 10), depth).averagePrice).toBe(7169)
    expect(normalised(lineFor('CZCE', 10), depth).averagePrice).toBe(71_690)
  })

  it('has the book without its empty levels', () => {
    const depth = depthWith({ BidPrice: [-1, 0, noValue], BidVolume: [2, 0, 5], AskPrice: [0.5], AskVolume: [1] })
    expect(normalised(lineFor('CZCE', 10), depth)).toMatchObject({ bids: [[-1, 2]], asks: [[0.5, 1]] })
  })

  it('takes the exchange from the declaration, as the push has none', () => {
    expect(normalised(lineFor('INE', 1000), depthWith({})).exchange).toBe('INE')
  })

  it('books a night push of CZCE under the day that the login named', () => {
    const night = depthWith({ TradingDay: '20200803', ActionDay: '20200803', UpdateTime: '21:00:00' })
    expect(normalised(lineFor('CZCE', 10), night).tradingDay).toBe('20200804')
    expect(normalised(lineFor('CZCE', 10), depthWith({})).tradingDay).toBe('20200803')
    expect(normalised(lineFor('SHFE', 10), night).tradingDay).toBe('20200803')
  })

  it('is marked as snapshot or off session only where it is', () => {
    const plain = normalised(lineFor('CZCE', 10), depthWith({}))
    expect('snapshot' in plain || 'offSession' in plain).toBe(false)
    expect(normalised(lineFor('CZCE', 10), depthWith({}), { snapshot: true, offSession: true })).toMatchObject({
      snapshot: true,
      offSession: true,
    })
  })
})

describe('recorded ticks', () => {
  it('of CZCE read as the exchange meant them', () => {
    const rows = recorded('ticks/czce-AP010-20200803.csv.gz')
    const line = lineFor('CZCE', 10)
    expect(normalised(line, rows[0] as Depth)).toMatchObject({
      exchangeTime: '2020-07-31T19:29:00.000+08:00',
      bids: [],
      settlement: null,
    })
    const opening = rows.find(row => row.Volume === 419)
    expect(normalised(line, opening as Depth)).toMatchObject({
      tradingDay: '20200803',
      exchangeTime: '2020-08-03T08:59:00.000+08:00',
      last: 7169,
      averagePrice: 7169,
      turnover: 3_003_811,
      openInterest: 148_703,
      bids: [[7168, 1]],
      asks: [[7169, 63]],
    })
    const last = rows.findLast(row => row.UpdateTime === '14:59:59')
    expect(normalised(line, last as Depth)).toMatchObject({ settlement: 7104, close: 7144, volume: 220_577 })
  })

  it('of CFFEX keep their milliseconds', () => {
    const [first] = recorded('ticks/cffex-IF2101-20210104.csv.gz')
    expect(normalised(lineFor('CFFEX', 300, 'IF2101'), first as Depth)).toMatchObject({
      exchangeTime: '2021-01-04T09:29:00.400+08:00',
      last: 5230,
      volume: 240,
      bids: [[5230, 1]],
      asks: [[5230.8, 2]],
    })
  })

  it('all have exchange times, in order, and neighbours of one second differ in their fingerprints', () => {
    const rows = recorded('ticks/czce-AP010-20200803.csv.gz')
    const times = rows.map(row => exchangeTimeOf(row, receivedAt, false, days) ?? Number.NaN)
    expect(rows.length).toBeGreaterThan(12_000)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    const equal = rows.filter((row, i) => i > 0 && fingerprintOf(row) === fingerprintOf(rows[i - 1] as Depth))
    const same = rows.filter((row, i) => i > 0 && saysTheSame(row, rows[i - 1] as Depth))
    expect(equal).toEqual(same)
  })
})

const saysTheSame = (a: Depth, b: Depth): boolean =>
  JSON.stringify({ ...a, UpdateTime: '', ActionDay: '' }) === JSON.stringify({ ...b, UpdateTime: '', ActionDay: '' })

describe('a message id', () => {
  it('names day, exchange, instrument, time and content, and neither account nor epoch', () => {
    const depth = depthWith({ InstrumentID: 'SPD TA009&TA108' })
    const line = lineFor('CZCE', 10, 'SPD TA009&TA108')
    const time = 1_596_420_000_000
    const id = messageIdOf(pushOf(line, depth, { time, hash: fingerprintOf(depth) }))
    const hash = fingerprintOf({ ...depth, ActionDay: '20200804' })
    expect(messageIdOf(pushOf(line, depth, { time, hash, epoch: 9, receivedAt: 0 }))).toBe(id)
    expect(id.startsWith('20200803-CZCE-SPD TA009&TA108-1596420000000-')).toBe(true)
  })

  it('tells a snapshot from the tick that it repeats', () => {
    const push = pushOf(lineFor('CZCE', 10), depthWith({}))
    expect(messageIdOf({ ...push, snapshot: true })).not.toBe(messageIdOf(push))
  })
})
