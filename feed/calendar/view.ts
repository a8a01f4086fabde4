import {
  type CalendarDay,
  type CalendarGroup,
  type CalendarSession,
  type CalendarView,
  minHorizonDays,
} from '../../crds/contract/calendar.ts'
import { deliveryMonthOf, deliveryText, isOver } from '../../crds/contract/delivery.ts'
import type { InstrumentGroup, Launch } from '../../crds/contract/desired.ts'
import { canonical } from '../../crds/contract/digest.ts'
import type { Calendar } from './calendar.ts'
import { compactDate, dateOf, dayOf, startOf, type TradingDays } from './tradingdays.ts'

/** A night session begins at 21:00; nothing of a day begins so late. */
const nightMs = 18 * 3_600_000

export type CalendarQuestion = { at: number; days: number }

/** The next sessions of a feed's product groups: what ends after `at`, on that day and the `days` - 1 that follow. */
export function calendarView(
  calendar: Calendar,
  settings: Launch['calendar'],
  groups: InstrumentGroup[],
  { at, days }: CalendarQuestion,
): CalendarView {
  const today = dayOf(at)
  const asked = Array.from({ length: days }, (_, index) => today + index)
  return {
    type: settings.type,
    at,
    tradingDay: calendar.tradingDay(at),
    horizon: horizonAt(calendar.days, at),
    ...(settings.overrides === undefined ? {} : { overrides: settings.overrides }),
    days: asked.map(day => dayView(calendar.days, day)),
    // Yesterday's night may go on after midnight.
    groups: productGroups(groups).map(members => groupView(calendar, members, at, [today - 1, ...asked])),
  }
}

/** How far ahead the holidays are known. */
export function horizonAt(days: TradingDays, at: number): CalendarView['horizon'] {
  const count = days.horizon(at)
  return { days: count, knownUntil: dateOf(days.knownUntil), isShort: count < minHorizonDays }
}

function dayView(days: TradingDays, day: number): CalendarDay {
  const name = days.nameOf(day)
  const isTradingDay = days.isTradingDay(day)
  const hasNight = isTradingDay && days.hasNightSession(day)
  return { date: dateOf(day), isTradingDay, ...(name === undefined ? {} : { name }), hasNight }
}

/** Groups with the same windows, in the order of their first. */
function productGroups(groups: InstrumentGroup[]): InstrumentGroup[][] {
  return [...Map.groupBy(groups, ({ windows }) => canonical(windows)).values()]
}

function groupView(calendar: Calendar, members: InstrumentGroup[], at: number, days: number[]): CalendarGroup {
  const windows = members[0]?.windows ?? { day: [] }
  const nextChange = calendar.nextChange(windows, at)
  const sessions = days.flatMap(day => sessionsOf(calendar, windows, day)).filter(({ ends }) => ends > at)
  const delivery = deliveryOf(members, at)
  return {
    products: [...new Set(members.map(({ exchange, product }) => `${exchange}.${product}`))].sort(),
    instruments: members.reduce((sum, { instruments }) => sum + instruments.length, 0),
    windows,
    open: calendar.isOpen(windows, at),
    ...(nextChange === undefined ? {} : { nextChange }),
    sessions,
    ...(delivery === undefined ? {} : { delivery }),
  }
}

function sessionsOf(calendar: Calendar, windows: InstrumentGroup['windows'], day: number): CalendarSession[] {
  const start = startOf(day)
  return calendar.sessionsOn(windows, day).map(({ opens, begins, ends }) => {
    const isNight = begins >= nightMs
    return {
      date: dateOf(day),
      kind: isNight ? 'night' : 'day',
      tradingDay: compactDate(isNight ? calendar.days.after(day) : day),
      opens: start + opens,
      begins: start + begins,
      ends: start + ends,
    }
  })
}

function deliveryOf(members: InstrumentGroup[], at: number): CalendarGroup['delivery'] {
  const months = members.flatMap(({ exchange, instruments }) =>
    instruments.flatMap(instrument => deliveryMonthOf(exchange, instrument, at) ?? []),
  )
  const texts = months.map(deliveryText).sort()
  const [first] = texts
  const last = texts.at(-1)
  if (first === undefined || last === undefined) return undefined
  return { first, last, expired: months.filter(month => isOver(month, at)).length }
}
