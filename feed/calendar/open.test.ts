import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import { loadCalendar, openCalendar } from './open.ts'
import { noOverrides, parseOverrides } from './overrides.ts'
import { dayOf, startOf } from './tradingdays.ts'

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

  it.each([
    ['the lunch break', copper, '2026-11-24 11:30:00', '2026-11-24 13:30:00'],
    ['the lunch break of the index', index, '2026-11-24 11:30:00', '2026-11-24 13:00:00'],
    ['the tea break', copper, '2026-11-24 10:15:00', '2026-11-24 10:30:00'],
    ['the afternoon and the night auction', copper, '2026-11-24 15:00:00', '2026-11-24 21:00:00'],
    ['the night before a holiday, and the holidays', copper, '2026-09-30 15:00:00', '2026-10-08 09:00:00'],
    ['Saturday and Sunday after Friday night', copper, '2026-11-28 01:00:00', '2026-11-30 09:00:00'],
    ['the weekend of an index', index, '2026-11-27 15:00:00', '2026-11-30 09:30:00'],
  ])('counts no silence over %s, and a second of it right before and after', (_what, windows, closes, opens) => {
    expect(calendar.openMs(windows, at(closes), at(opens))).toBe(0)
    expect(calendar.openMs(windows, at(closes) - 1000, at(opens) + 1000)).toBe(2000)
  })

  it('goes on over midnight without a break, also on Friday', () => {
    for (const date of ['2026-11-24', '2026-11-27']) {
      const midnight = at(`${date} 00:00:00`) + 86_400_000
      expect(calendar.openMs(copper, midnight - 1000, midnight + 1000)).toBe(2000)
      expect(calendar.isOpen(copper, midnight - 1) && calendar.isOpen(copper, midnight)).toBe(true)
      expect(calendar.tradingDay(midnight - 1)).toBe(calendar.tradingDay(midnight))
    }
  })

  it('books Friday night, Saturday before dawn and Monday under Monday', () => {
    const times = ['2026-11-27 21:00:00', '2026-11-28 00:59:59', '2026-11-30 09:00:00', '2026-11-30 14:59:59']
    expect(times.map(time => calendar.tradingDay(at(time)))).toEqual(Array(4).fill('20261130'))
  })

  it('counts no silence in an auction', () => {
    expect(calendar.openMs(copper, at('2026-11-24 08:50:00'), at('2026-11-24 09:00:00'))).toBe(0)
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

describe('an override file', () => {
  const overridden = openCalendar(
    { type: 'china-futures' },
    parseOverrides(
      `closed:
  - {from: 2026-12-01, reason: typhoon}
open:
  - {from: 2026-12-05, reason: system test}
windows:
  - {from: 2026-12-07, to: 2026-12-08, reason: no nights, day: [["09:00:00", "10:15:00"]], night: []}
  - from: 2026-12-08
    to: 2026-12-08
    reason: longer night for copper
    replaces: ${JSON.stringify(copper)}
    day: [["09:00:00", "11:30:00"]]
    night: [["21:00:00", "27:00:00"]]
`,
      'calendar.yaml',
    ),
  )
  it.each([
    ['2026-11-30 22:00:00', copper, false, 'the night before a closed day'],
    ['2026-12-01 10:00:00', copper, false, 'the closed day'],
    ['2026-12-02 10:00:00', copper, true, 'the day after'],
    ['2026-12-04 22:00:00', copper, true, 'the night before an opened Saturday'],
    ['2026-12-05 10:00:00', copper, true, 'the opened Saturday'],
    ['2026-12-07 10:00:00', gold, true, 'the first window that stays'],
    ['2026-12-07 11:00:00', gold, false, 'a window that was taken away'],
    ['2026-12-07 22:00:00', gold, false, 'a night that was taken away'],
    ['2026-12-08 11:00:00', gold, false, 'the same for the others'],
    ['2026-12-08 10:20:00', copper, true, 'the later change, which holds for copper'],
    ['2026-12-09 02:30:00', copper, true, 'the longer night that began the day before'],
    ['2026-12-09 22:00:00', gold, true, 'the usual windows afterwards'],
  ])('decides %s', (text, windows, open, _why) => {
    expect(overridden.isOpen(windows, at(text))).toBe(open)
  })

  it('moves the booking day over a closed day', () => {
    expect(overridden.tradingDay(at('2026-11-30 21:00:00'))).toBe('20261202')
    expect(overridden.tradingDay(at('2026-12-04 21:00:00'))).toBe('20261205')
  })

  it('finds the next opening behind a closure of four weeks', () => {
    const long = openCalendar(
      { type: 'china-futures' },
      { ...noOverrides, closed: [{ from: '2026-11-25', to: '2026-12-23', reason: 'flood' }] },
    )
    expect(long.nextChange(copper, at('2026-11-24 15:00:00'))).toBe(at('2026-12-24 08:55:00'))
  })

  it.each([
    ['closed: [{from: 2026-13-01, reason: x}]', /calendar\.overrides c\.yaml: closed\.0\.from: write a date/],
    ['closed: [{from: 2026-12-03, to: 2026-12-01, reason: x}]', /closed\.0: the span ends before it begins/],
    ['closed: [{from: 2026-12-03, to: 2027-12-01, reason: x}]', /closed\.0: a span has at most 31 days/],
    ['closed: [{from: 2026-12-03}]', /closed\.0\.reason/],
    ['{closed: [{from: 2026-12-03, reason: x}], open: [{from: 2026-12-03, reason: y}]}', /open: a day is both closed and open/],
    [
      'windows: [{from: 2026-12-03, to: 2026-12-03, reason: x, day: [["10:00:00", "09:00:00"]]}]',
      /windows\.0\.day\.0: the window ends before it begins/,
    ],
    ['windows: [{from: 2026-12-03, to: 2026-12-03, reason: x, day: [["9:00", "10:00:00"]]}]', /write a time as HH:MM:SS/],
    ['closes: []', /Unrecognized key/],
    ['closed: [', /calendar\.overrides c\.yaml/],
  ])('is refused with what is wrong: %s', (text, message) => {
    expect(() => parseOverrides(text, 'c.yaml')).toThrow(message)
  })

  it('that is not there is named', async () => {
    const settings = { type: 'china-futures', overrides: 'calendar/none.yaml' } as const
    await expect(loadCalendar(settings, '/nowhere')).rejects.toMatchObject({ class: 'stalled', reason: 'CalendarInvalid' })
  })

  it('may be empty', () => {
    expect(parseOverrides('', 'c.yaml')).toEqual(noOverrides)
  })
})

it('is open exactly in the sessions that it lists', () => {
  const moment = fc.integer({ min: at('2020-01-01 00:00:00'), max: at('2027-01-01 00:00:00') })
  fc.assert(
    fc.property(fc.constantFrom(copper, gold, index), moment, (windows, time) => {
      const listed = [dayOf(time) - 1, dayOf(time)].some(day =>
        calendar.sessionsOn(windows, day).some(({ opens, ends }) => time >= startOf(day) + opens && time < startOf(day) + ends),
      )
      expect(calendar.isOpen(windows, time)).toBe(listed)
    }),
  )
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
