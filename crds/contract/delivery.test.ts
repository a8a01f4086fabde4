import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Exchange } from './catalogue.ts'
import { deliveryMonthOf, deliveryText, isOver } from './delivery.ts'

const at = (date: string): number => Date.parse(`${date}T12:00:00+08:00`)

it.each([
  ['CZCE', 'AP010', '2020-08-03', '2020-10'],
  ['CZCE', 'AP010', '2020-10-31', '2020-10'],
  ['CZCE', 'AP010', '2020-11-01', '2030-10'],
  ['CZCE', 'AP010', '2026-11-23', '2030-10'],
  ['CZCE', 'AP701', '2026-11-23', '2027-01'],
  ['CZCE', 'AP901', '2029-12-31', '2039-01'],
  ['CZCE', 'AP001', '2029-12-31', '2030-01'],
  ['CZCE', 'ZC010C630', '2020-08-03', '2020-10'],
  ['CZCE', 'SPD TA009&TA108', '2020-08-03', '2020-09'],
  ['SHFE', 'rb2605', '2026-11-23', '2026-05'],
  ['SHFE', 'au2009C496', '2026-11-23', '2020-09'],
  ['DCE', 'i2010-C-1080', '2020-08-03', '2020-10'],
  ['DCE', 'SP p2009&p2010', '2020-08-03', '2020-09'],
  ['CFFEX', 'IO2008-C-5400', '2020-08-03', '2020-08'],
] as const)('reads %s %s at %s as %s', (exchange, instrument, date, month) => {
  const delivery = deliveryMonthOf(exchange, instrument, at(date))
  expect(delivery && deliveryText(delivery)).toBe(month)
})

it.each([
  ['CZCE', 'AP2610'],
  ['SHFE', 'rb605'],
  ['SHFE', 'rb2613'],
  ['SHFE', '螺纹'],
] as const)('reads no month in %s %s', (exchange, instrument) => {
  expect(deliveryMonthOf(exchange, instrument, 0)).toBeUndefined()
})

it('takes the month in which a symbol ends for its own, and the next month for its end', () => {
  const may = { year: 2026, month: 5 }
  expect(isOver(may, Date.parse('2026-05-31T23:59:59+08:00'))).toBe(false)
  expect(isOver(may, Date.parse('2026-06-01T00:00:00+08:00'))).toBe(true)
})

it('finds the decade of every CZCE contract that is listed at most nine years ahead', () => {
  const from = { year: fc.integer({ min: 2015, max: 2060 }), month: fc.integer({ min: 1, max: 12 }) }
  fc.assert(
    fc.property(fc.record(from), fc.integer({ min: 0, max: 9 * 12 }), (now, ahead) => {
      const months = now.year * 12 + now.month - 1 + ahead
      const wanted = { year: Math.floor(months / 12), month: (months % 12) + 1 }
      const symbol = `AP${wanted.year % 10}${String(wanted.month).padStart(2, '0')}`
      const clock = Date.parse(`${deliveryText(now)}-15T12:00:00+08:00`)
      expect(deliveryMonthOf('CZCE' satisfies Exchange, symbol, clock)).toEqual(wanted)
    }),
  )
})
