import { describe, expect, it } from 'vitest'
import { noOverrides } from '../calendar/overrides.ts'
import { tradingDaysOf } from '../calendar/tradingdays.ts'
import { depthWith } from '../session/testing.ts'
import { exchangeTimeOf, isoOf } from './exchangetime.ts'

const days = tradingDaysOf(noOverrides)
const shanghai = (iso: string): number => Date.parse(`${iso}+08:00`)

const cases: [
  name: string,
  TradingDay: string,
  ActionDay: string,
  UpdateTime: string,
  received: string,
  expected: string | null,
][] = [
  ['by day the trading day', '20200803', '20200803', '09:00:01', '2020-08-03T09:00:01', '2020-08-03T09:00:01.500+08:00'],
  [
    'by day, whatever the binding wrote into ActionDay',
    '20200803',
    '20200804',
    '15:00:00',
    '2020-08-04T08:30:00',
    '2020-08-03T15:00:00.500+08:00',
  ],
  ['SHFE at night: the calendar day', '20200804', '20200803', '21:00:00', '2020-08-03T21:00:00', '2020-08-03T21:00:00.500+08:00'],
  ['SHFE after midnight', '20200804', '20200804', '00:30:00', '2020-08-04T00:30:00', '2020-08-04T00:30:00.500+08:00'],
  ['SHFE after midnight of a Friday', '20200803', '20200801', '01:00:00', '2020-08-01T01:00:00', '2020-08-01T01:00:00.500+08:00'],
  [
    'DCE at night, whose ActionDay is the trading day',
    '20200804',
    '20200804',
    '21:30:00',
    '2020-08-03T21:30:00',
    '2020-08-03T21:30:00.500+08:00',
  ],
  ['DCE on Friday night', '20200803', '20200803', '22:00:00', '2020-07-31T22:00:00', '2020-07-31T22:00:00.500+08:00'],
  [
    'CZCE at night, whose TradingDay is the calendar day',
    '20200803',
    '20200803',
    '21:00:00',
    '2020-08-03T21:00:00',
    '2020-08-03T21:00:00.500+08:00',
  ],
  [
    "last night's tick at the morning login (vnpy_ctp#34)",
    '20200804',
    '20200804',
    '23:00:00',
    '2020-08-04T08:30:00',
    '2020-08-03T23:00:00.500+08:00',
  ],
  [
    "Friday's tick at the login on Monday morning",
    '20200803',
    '20200803',
    '22:59:59',
    '2020-08-03T08:30:00',
    '2020-07-31T22:59:59.500+08:00',
  ],
  [
    'a recording, whose receive time says nothing',
    '20200803',
    '20200731',
    '19:29:00',
    '2026-11-23T12:00:00',
    '2020-07-31T19:29:00.500+08:00',
  ],
  ['a recording of DCE', '20200804', '20200804', '21:00:00', '2026-11-23T12:00:00', '2020-08-03T21:00:00.500+08:00'],
  ['no time', '20200803', '20200803', '', '2020-08-03T09:00:00', null],
  ['no day', '', '', '09:00:00', '2020-08-03T09:00:00', null],
]

const firstCases: typeof cases = [
  [
    "the afternoon's state at the evening's login",
    '20261203',
    '20261202',
    '15:00:00',
    '2026-12-02T20:40:00',
    '2026-12-02T15:00:00.500+08:00',
  ],
  ["Friday's at its evening login", '20261207', '20261204', '15:00:00', '2026-12-04T20:40:00', '2026-12-04T15:00:00.500+08:00'],
  ["Friday's on Monday morning", '20261207', '20261207', '14:59:59', '2026-12-07T08:30:00', '2026-12-04T14:59:59.500+08:00'],
  [
    'the one before National Day on the first morning after it',
    '20261008',
    '20261008',
    '15:00:00',
    '2026-10-08T08:30:00',
    '2026-09-30T15:00:00.500+08:00',
  ],
  [
    "the one before New Year's Day on a Monday, whose Friday was the holiday",
    '20270104',
    '20270104',
    '15:00:00',
    '2027-01-04T08:30:00',
    '2026-12-31T15:00:00.500+08:00',
  ],
  [
    'the one before a holiday at a login in it',
    '20261008',
    '20261003',
    '15:00:00',
    '2026-10-03T10:00:00',
    '2026-09-30T15:00:00.500+08:00',
  ],
  [
    "Friday's at a login on Saturday, which is the machine's day",
    '20261207',
    '20261205',
    '15:00:00',
    '2026-12-05T16:00:00',
    '2026-12-04T15:00:00.500+08:00',
  ],
  [
    "the noon state of one that nobody trades, at the evening's login",
    '20261203',
    '20261203',
    '11:29:59',
    '2026-12-02T20:40:00',
    '2026-12-02T11:29:59.500+08:00',
  ],
  [
    "Friday night's of Saturday before dawn at the login on Monday morning",
    '20261207',
    '20261207',
    '00:59:59',
    '2026-12-07T08:30:00',
    '2026-12-05T00:59:59.500+08:00',
  ],
  [
    "Friday night's at a login on Sunday",
    '20261207',
    '20261206',
    '02:29:59',
    '2026-12-06T10:00:00',
    '2026-12-05T02:29:59.500+08:00',
  ],
  [
    "Friday night's at a login on Saturday night",
    '20261207',
    '20261205',
    '22:59:59',
    '2026-12-05T23:30:00',
    '2026-12-04T22:59:59.500+08:00',
  ],
  [
    "Monday night's of Tuesday before dawn at the login on Tuesday morning",
    '20261208',
    '20261208',
    '00:59:59',
    '2026-12-08T08:30:00',
    '2026-12-08T00:59:59.500+08:00',
  ],
  [
    'one of this night at a login in it',
    '20261208',
    '20261207',
    '21:29:59',
    '2026-12-07T21:30:00',
    '2026-12-07T21:29:59.500+08:00',
  ],
  ['one of the night without a trading day', '', '20261207', '21:29:59', '2026-12-07T21:30:00', '2026-12-07T21:29:59.500+08:00'],
  ["the day's own at noon", '20261202', '20261202', '11:29:59', '2026-12-02T12:45:00', '2026-12-02T11:29:59.500+08:00'],
  ['a recording', '20200803', '20200803', '15:00:00', '2026-12-02T12:45:00', '2020-08-03T15:00:00.500+08:00'],
]

describe('the exchange time of a push', () => {
  const textOf = (isFirst: boolean, TradingDay: string, ActionDay: string, UpdateTime: string, received: string) => {
    const depth = depthWith({ TradingDay, ActionDay, UpdateTime, UpdateMillisec: 500 })
    const time = exchangeTimeOf(depth, shanghai(received), isFirst, days)
    return time === null ? null : isoOf(time)
  }

  it.each(cases)('%s', (_name, TradingDay, ActionDay, UpdateTime, received, expected) => {
    expect(textOf(false, TradingDay, ActionDay, UpdateTime, received)).toBe(expected)
    expect(textOf(true, TradingDay, ActionDay, UpdateTime, received)).toBe(expected)
  })

  it.each(firstCases)('of the first one after a login: %s', (_name, TradingDay, ActionDay, UpdateTime, received, expected) => {
    expect(textOf(true, TradingDay, ActionDay, UpdateTime, received)).toBe(expected)
  })

  it('of the first one after a day that an override file closes', () => {
    const closed = [{ from: '2026-12-01', reason: 'typhoon' }]
    const depth = depthWith({ TradingDay: '20261202', ActionDay: '20261202', UpdateTime: '15:00:00' })
    const time = exchangeTimeOf(depth, shanghai('2026-12-02T08:30:00'), true, tradingDaysOf({ ...noOverrides, closed }))
    expect(time).toBe(shanghai('2026-11-30T15:00:00'))
  })

  it('keeps what a front whose clock is ahead says later', () => {
    const said = textOf(false, '20261202', '20261202', '15:00:00', '2026-12-02T12:45:00')
    expect(said).toBe('2026-12-02T15:00:00.500+08:00')
  })
})
