import { expect, it } from 'vitest'
import { calendarViewSchema } from '../../crds/contract/calendar.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { openCalendar } from './open.ts'
import { calendarView } from './view.ts'

const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}+08:00`)
const group = (
  exchange: InstrumentGroup['exchange'],
  product: string,
  instruments: string[],
  night?: string,
): InstrumentGroup => ({
  exchange,
  product,
  class: 'future',
  multiplier: 1,
  priceTick: 1,
  windows: { day: [['09:00:00', '15:00:00']], ...(night === undefined ? {} : { night: [['21:00:00', night]] }) },
  instruments,
})
const groups = [
  group('SHFE', 'cu', ['cu2612', 'cu2701'], '25:00:00'),
  group('CZCE', 'AP', ['AP010', 'AP701']),
  group('SHFE', 'al', ['al2610'], '25:00:00'),
]
const settings = { type: 'china-futures' } as const
const view = (time: string, days: number) => calendarView(openCalendar(settings), settings, groups, { at: at(time), days })

it('lists the sessions that are still to come, by groups of products with the same windows', () => {
  const seen = view('2026-11-24 12:00', 2)
  expect(calendarViewSchema.parse(seen)).toEqual(seen)
  expect(seen.groups.map(({ products, instruments }) => ({ products, instruments }))).toEqual([
    { products: ['SHFE.al', 'SHFE.cu'], instruments: 3 },
    { products: ['CZCE.AP'], instruments: 2 },
  ])
  expect(seen.groups[0]?.sessions.map(({ date, kind, tradingDay }) => `${date} ${kind} ${tradingDay}`)).toEqual([
    '2026-11-24 day 20261124',
    '2026-11-24 night 20261125',
    '2026-11-25 day 20261125',
    '2026-11-25 night 20261126',
  ])
})

it("shows yesterday's night while it goes on after midnight", () => {
  const [copper] = view('2026-11-28 00:30', 3).groups
  expect(copper).toMatchObject({ open: true, nextChange: at('2026-11-28 01:00:00') })
  expect(copper?.sessions.map(({ date, kind, tradingDay }) => `${date} ${kind} ${tradingDay}`)).toEqual([
    '2026-11-27 night 20261130',
    '2026-11-30 day 20261130',
    '2026-11-30 night 20261201',
  ])
})

it('names holidays, weekends, and the night that a holiday takes away', () => {
  expect(view('2026-09-30 16:00', 5).days).toEqual([
    { date: '2026-09-30', isTradingDay: true, hasNight: false },
    { date: '2026-10-01', isTradingDay: false, name: 'National Day', hasNight: false },
    { date: '2026-10-02', isTradingDay: false, name: 'National Day', hasNight: false },
    { date: '2026-10-03', isTradingDay: false, name: 'National Day', hasNight: false },
    { date: '2026-10-04', isTradingDay: false, name: 'National Day', hasNight: false },
  ])
})

it('says for how long the holidays are known, and when that is short', () => {
  const { knownUntil } = view('2026-06-01 18:00', 1).horizon
  expect(view('2026-06-01 18:00', 1).horizon.isShort).toBe(false)
  expect(view(`${knownUntil.slice(0, 4)}-11-23 18:00`, 1).horizon).toMatchObject({ knownUntil, isShort: true })
})

it("names the delivery months, with CZCE's decade from the clock", () => {
  expect(view('2026-11-24 12:00', 1).groups.map(({ delivery }) => delivery)).toEqual([
    { first: '2026-10', last: '2027-01', expired: 1 },
    { first: '2027-01', last: '2030-10', expired: 0 },
  ])
})
