import { expect, it } from 'vitest'
import { dayOf, hasNightSession, horizon, isTradingDay, nameOf, startOf } from './tradingdays.ts'

const day = (date: string): number => dayOf(Date.parse(`${date}T12:00:00+08:00`))

it('has the number of trading days that the exchanges published for a year', () => {
  const tradingDays = (year: number) => {
    let count = 0
    for (let d = day(`${year}-01-01`); d <= day(`${year}-12-31`); d++) if (isTradingDay(d)) count++
    return count
  }
  expect([2019, 2020, 2021, 2022, 2023, 2024].map(tradingDays)).toEqual([244, 243, 243, 242, 242, 242])
})

it('counts days in Asia/Shanghai, on both sides of its midnight', () => {
  const midnight = Date.parse('2026-11-24T00:00:00+08:00')
  expect(nameOf(dayOf(midnight))).toBe('20261124')
  expect(nameOf(dayOf(midnight - 1))).toBe('20261123')
  expect(startOf(dayOf(midnight))).toBe(midnight)
})

it('says how many trading days ahead the holidays are known', () => {
  expect(horizon(Date.parse('2026-12-28T12:00:00+08:00'))).toBeGreaterThanOrEqual(3)
  expect(horizon(Date.parse('2100-01-04T12:00:00+08:00'))).toBe(0)
})

it('closes on the fixed holidays of a year that nobody has announced', () => {
  expect(isTradingDay(day('2099-10-01'))).toBe(false)
  expect(isTradingDay(day('2099-10-05'))).toBe(true)
  expect(hasNightSession(day('2099-09-30'))).toBe(false)
})
