import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import { openCalendar } from './open.ts'

const copper: TradingWindows = {
  day: [
    ['09:00:00', '10:15:00'],
    ['10:30:00', '11:30:00'],
    ['13:30:00', '15:00:00'],
  ],
  night: [['21:00:00', '25:00:00']],
}
const gold: TradingWindows = { ...copper, night: [['21:00:00', '26:30:00']] }
const index: TradingWindows = {
  day: [
    ['09:30:00', '11:30:00'],
    ['13:00:00', '15:00:00'],
  ],
}
const calendar = openCalendar({ type: 'china-futures' })
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}+08:00`)
const isOpen = (windows: TradingWindows, text: string): boolean => calendar.isOpen(windows, at(text))
const change = (windows: TradingWindows, text: string): string => {
  const next = calendar.nextChange(windows, at(text))
  return next === undefined ? 'never' : new Date(next + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')
}

describe('china-futures', () => {
  it.each([
    ['2026-11-24 08:54:59', copper, false, 'before the auction'],
    ['2026-11-24 08:55:00', copper, true, 'commodity auction'],
    ['2026-11-24 09:00:00', copper, true, 'first moment of the day'],
    ['2026-11-24 10:15:00', copper, false, 'tea break'],
    ['2026-11-24 12:00:00', copper, false, 'lunch'],
    ['2026-11-24 13:30:00', copper, true, 'afternoon'],
    ['2026-11-24 15:00:00', copper, false, 'the close is outside'],
    ['2026-11-24 20:55:00', copper, true, 'night auction'],
    ['2026-11-24 23:59:59', copper, true, 'before midnight'],
    ['2026-11-25 00:00:00', copper, true, 'midnight'],
    ['2026-11-25 00:59:59', copper, true, 'end of the night'],
    ['2026-11-25 01:00:00', copper, false, 'night closed'],
    ['2026-11-25 02:29:59', gold, true, 'gold trades on'],
    ['2026-11-24 09:24:59', index, false, 'before the index auction'],
    ['2026-11-24 09:25:00', index, true, 'index auction'],
    ['2026-11-24 21:30:00', index, false, 'index has no night'],
    ['2026-11-27 22:00:00', copper, true, 'Friday night'],
    ['2026-11-28 00:30:00', copper, true, 'Friday night on Saturday morning'],
    ['2026-11-28 10:00:00', copper, false, 'Saturday'],
    ['2026-11-29 22:00:00', copper, false, 'Sunday night'],
    ['2026-11-30 00:30:00', copper, false, 'Monday before dawn'],
    ['2026-11-30 09:00:00', copper, true, 'Monday morning'],
    ['2026-09-30 10:00:00', copper, true, 'the day before National Day'],
    ['2026-09-30 22:00:00', copper, false, 'no night before National Day'],
    ['2026-10-01 10:00:00', copper, false, 'National Day'],
    ['2026-10-07 22:00:00', copper, false, 'no night in the holidays'],
    ['2026-10-08 09:00:00', copper, true, 'first day after the holidays'],
    ['2026-10-10 10:00:00', copper, false, 'a Saturday that is worked elsewhere'],
    ['2026-10-09 22:00:00', copper, true, 'night before a Saturday that is worked elsewhere'],
    ['2024-02-09 10:00:00', copper, false, "New Year's Eve of 2024"],
    ['2024-02-08 22:00:00', copper, false, "no night before New Year's Eve of 2024"],
  ])('knows %s', (text, windows, open, _why) => {
    expect(isOpen(windows, text)).toBe(open)
  })

  it.each([
    ['2026-11-24 12:00:00', copper, '2026-11-24 13:30:00'],
    ['2026-11-24 09:00:00', copper, '2026-11-24 10:15:00'],
    ['2026-11-24 08:56:00', copper, '2026-11-24 10:15:00'],
    ['2026-11-24 22:00:00', copper, '2026-11-25 01:00:00'],
    ['2026-11-25 00:30:00', copper, '2026-11-25 01:00:00'],
    ['2026-11-28 01:00:00', copper, '2026-11-30 08:55:00'],
    ['2026-09-30 15:00:00', copper, '2026-10-08 08:55:00'],
    ['2026-02-13 15:00:00', copper, '2026-02-24 08:55:00'],
    ['2026-11-24 15:00:00', index, '2026-11-25 09:25:00'],
    ['2026-11-24 15:00:00', { day: [] }, 'never'],
  ])('changes next after %s', (text, windows, expected) => {
    expect(change(windows, text)).toBe(expected)
  })

  it.each([
    ['2026-11-24 02:00:00', '20261124'],
    ['2026-11-24 15:30:00', '20261124'],
    ['2026-11-24 21:00:00', '20261125'],
    ['2026-11-27 21:00:00', '20261130'],
    ['2026-11-28 01:00:00', '20261130'],
    ['2026-09-30 15:30:00', '20260930'],
    ['2026-09-30 21:00:00', '20261008'],
    ['2026-12-31 23:00:00', '20270104'],
  ])('books a tick of %s under %s', (text, day) => {
    expect(calendar.tradingDay(at(text))).toBe(day)
  })

  it('counts silence over lunch, night and weekend in open time only', () => {
    expect(calendar.openMs(copper, at('2026-11-24 11:29:00'), at('2026-11-24 13:31:00'))).toBe(120_000)
    expect(calendar.openMs(copper, at('2026-11-27 00:59:00'), at('2026-11-27 09:00:30'))).toBe(90_000)
    expect(calendar.openMs(copper, at('2026-11-28 00:59:00'), at('2026-11-30 09:00:30'))).toBe(90_000)
  })

  it('counts no silence in an auction', () => {
    expect(calendar.openMs(copper, at('2026-11-24 08:50:00'), at('2026-11-24 09:00:00'))).toBe(0)
  })

  it('names the window that cannot be read', () => {
    expect(() => calendar.isOpen({ day: [['9:00', '10:00:00']] }, 0)).toThrow(/"9:00" is no time of a trading window/)
  })

  const moment = fc.integer({ min: at('2015-01-01 00:00:00'), max: at('2030-01-01 00:00:00') })
  const windows = fc.constantFrom(copper, gold, index)

  it('adds open time up, wherever the time is cut', () => {
    const span = fc.integer({ min: 0, max: 20 * 86_400_000 })
    fc.assert(
      fc.property(windows, moment, span, span, (set, from, a, b) => {
        const whole = calendar.openMs(set, from, from + a + b)
        expect(calendar.openMs(set, from, from + a) + calendar.openMs(set, from + a, from + a + b)).toBe(whole)
      }),
    )
  })

  it('flips exactly at the next change and not before', () => {
    fc.assert(
      fc.property(windows, moment, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (set, from, part) => {
        const next = calendar.nextChange(set, from)
        if (next === undefined) throw new Error(`nothing changes after ${from}`)
        const open = calendar.isOpen(set, from)
        expect(calendar.isOpen(set, next)).toBe(!open)
        expect(calendar.isOpen(set, next - 1)).toBe(open)
        expect(calendar.isOpen(set, Math.floor(from + (next - 1 - from) * part))).toBe(open)
      }),
    )
  })
})

describe('always', () => {
  it('is open at every moment, and books ticks under trading days', () => {
    const always = openCalendar({ type: 'always' })
    const sunday = at('2026-11-29 12:00:00')
    expect(always.isOpen(copper, sunday)).toBe(true)
    expect(always.nextChange(copper, sunday)).toBeUndefined()
    expect(always.openMs(copper, sunday, sunday + 5000)).toBe(5000)
    expect(always.tradingDay(sunday)).toBe('20261130')
  })
})
