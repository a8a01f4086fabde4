import table from 'chinese-days/dist/chinese-days.json' with { type: 'json' }
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Overrides } from '../../crds/contract/calendar.ts'
import { noOverrides } from './overrides.ts'
import { compactDate, dateOf, dayOf, maxHorizonDays, parseDay, startOf, tradingDaysOf } from './tradingdays.ts'

const days = tradingDaysOf(noOverrides)
const noon = (date: string): number => Date.parse(`${date}T12:00:00+08:00`)
const withOverrides = (overrides: Partial<Overrides>) => tradingDaysOf({ ...noOverrides, ...overrides })

it('counts days in Asia/Shanghai, on both sides of its midnight', () => {
  const midnight = Date.parse('2026-11-24T00:00:00+08:00')
  expect(compactDate(dayOf(midnight))).toBe('20261124')
  expect(compactDate(dayOf(midnight - 1))).toBe('20261123')
  expect(startOf(dayOf(midnight))).toBe(midnight)
})

it('reads every date back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40_000 }), day => {
      expect(parseDay(dateOf(day))).toBe(day)
    }),
  )
})

// Not a count that an exchange published: what the table of this version gives, so that an update which rewrites the past is seen.
it('keeps the number of trading days of past years over updates of the table', () => {
  const tradingDays = (year: number) => {
    let count = 0
    for (let day = parseDay(`${year}-01-01`); day <= parseDay(`${year}-12-31`); day++) if (days.isTradingDay(day)) count++
    return count
  }
  expect([2019, 2020, 2021, 2022, 2023, 2024].map(tradingDays)).toEqual([244, 243, 243, 242, 242, 242])
})

it('trades on the weekdays that the table does not name as holidays, and on no weekend that is worked elsewhere', () => {
  const dates = [...Object.keys(table.holidays), ...Object.keys(table.workdays)]
  for (const date of dates) {
    const isWeekend = [0, 6].includes(new Date(date).getUTCDay())
    expect({ date, trades: days.isTradingDay(parseDay(date)) }).toEqual({
      date,
      trades: !isWeekend && !(date in table.holidays) && date !== '2024-02-09',
    })
  }
})

it('has the recorded days for trading days', () => {
  for (const date of ['2020-08-03', '2020-08-04', '2021-01-04']) expect(days.isTradingDay(parseDay(date))).toBe(true)
})

it('finds the next trading day, with none in between', () => {
  fc.assert(
    fc.property(fc.integer({ min: parseDay('2010-01-01'), max: parseDay('2035-01-01') }), day => {
      const next = days.after(day)
      expect(days.isTradingDay(next)).toBe(true)
      for (let between = day + 1; between < next; between++) expect(days.isTradingDay(between)).toBe(false)
      if (days.isTradingDay(day) && days.hasNightSession(day))
        for (let d = day + 1; d < next; d++) expect(days.nameOf(d)).toBe('weekend')
    }),
  )
})

it('finds the newest trading day up to a day', () => {
  fc.assert(
    fc.property(fc.integer({ min: parseDay('2010-01-01'), max: parseDay('2035-01-01') }), day => {
      const newest = days.upTo(day)
      expect(days.isTradingDay(newest)).toBe(true)
      if (newest < day) expect(days.after(newest)).toBeGreaterThan(day)
      else expect(newest).toBe(day)
    }),
  )
})

it('has no night before a weekend that a public holiday falls on', () => {
  expect(days.isTradingDay(parseDay('2015-09-28'))).toBe(true)
  expect(days.nameOf(parseDay('2015-09-27'))).toBe('Mid-autumn Festival')
  expect(days.hasNightSession(parseDay('2015-09-25'))).toBe(false)
  expect(days.hasNightSession(parseDay('2015-09-18'))).toBe(true)
})

describe('the horizon', () => {
  const lastYear = Math.max(...Object.keys(table.holidays).map(date => Number(date.slice(0, 4))))

  it('ends with the last year that the table has holidays of', () => {
    expect(dateOf(days.knownUntil)).toBe(`${lastYear}-12-31`)
    expect(days.horizon(noon(`${lastYear}-12-31`))).toBe(0)
    expect(days.horizon(noon(`${lastYear + 70}-01-04`))).toBe(0)
  })

  it('counts the trading days that follow', () => {
    let count = 0
    for (let day = parseDay(`${lastYear}-11-24`); day <= days.knownUntil; day++) if (days.isTradingDay(day)) count++
    expect(days.horizon(noon(`${lastYear}-11-23`))).toBe(count)
    expect(count).toBeGreaterThan(20)
  })

  it('goes as far as an override file says that it knows, and is bounded', () => {
    const known = withOverrides({ knownUntil: '2099-01-30' })
    expect(known.horizon(noon('2099-01-20'))).toBe(8)
    expect(withOverrides({ knownUntil: '2099-12-31' }).horizon(noon('2030-01-04'))).toBe(maxHorizonDays)
  })

  it('is never shortened by an override file that is older than the table', () => {
    expect(withOverrides({ knownUntil: '2020-12-31' }).knownUntil).toBe(days.knownUntil)
  })
})

it('closes on the fixed holidays of a year that nobody has announced, and only there', () => {
  expect(days.isTradingDay(parseDay('2099-10-01'))).toBe(false)
  expect(days.nameOf(parseDay('2099-10-01'))).toBe('public holiday')
  expect(days.isTradingDay(parseDay('2099-10-05'))).toBe(true)
  expect(days.hasNightSession(parseDay('2099-09-30'))).toBe(false)
  expect(withOverrides({ knownUntil: '2099-12-31' }).isTradingDay(parseDay('2099-10-01'))).toBe(true)
})

it('closes and opens the days that an override file names, and calls them as it does', () => {
  const changed = withOverrides({
    closed: [{ from: '2026-11-25', to: '2026-11-26', reason: 'typhoon' }],
    open: [{ from: '2026-11-28', reason: 'test of all systems' }],
  })
  const week = ['2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27', '2026-11-28', '2026-11-29'].map(parseDay)
  expect(week.map(changed.isTradingDay)).toEqual([true, false, false, true, true, false])
  expect(week.filter(changed.isTradingDay).map(changed.hasNightSession)).toEqual([false, true, false])
  expect(week.map(changed.nameOf)).toEqual([undefined, 'typhoon', 'typhoon', undefined, 'test of all systems', 'weekend'])
})
