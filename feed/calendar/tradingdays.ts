import table from 'chinese-days/dist/chinese-days.json' with { type: 'json' }
import type { Overrides } from '../../crds/contract/calendar.ts'

export const dayMs = 86_400_000
const shanghaiOffsetMs = 8 * 3_600_000

/** Days ahead that `horizon` counts at most. */
export const maxHorizonDays = 366

/** The days on which the Chinese futures exchanges trade. A day is a number, as `dayOf` gives it. */
export type TradingDays = {
  /**
   * Monday to Friday without public holidays. A weekend that the State Council makes a working one is none for the exchanges.
   * Holidays are those of the package chinese-days; overrides come before them.
   */
  isTradingDay(day: number): boolean
  /** The first trading day after a day. */
  after(day: number): number
  /** The newest trading day up to a day, which it may be itself. */
  upTo(day: number): number
  /**
   * Whether a night session follows a trading day: it belongs to the next trading day, and there is none before a public
   * holiday (SHFE trading rules, continuous trading). A plain weekend between the two is no
   * holiday; one that a holiday falls on is (by the rule's words: no notice about such a one is at hand).
   */
  hasNightSession(day: number): boolean
  /** What a day is called: its holiday, the weekend, or the reason of an override. */
  nameOf(day: number): string | undefined
  /**
   * How many trading days after a moment the holidays are known for. The State Council announces a year in the November before it:
   * a small number says that the package chinese-days needs an update, or an override file a `knownUntil`. Beyond the horizon only
   * weekends and the holidays whose date the law fixes are closed.
   */
  horizon(at: number): number
  /** The last day for which the holidays are known. */
  knownUntil: number
}

export function tradingDaysOf(overrides: Overrides): TradingDays {
  const closed = spansOf(overrides.closed)
  const open = spansOf(overrides.open)
  const knownUntil = overrides.knownUntil === undefined ? lastKnownDay : Math.max(lastKnownDay, parseDay(overrides.knownUntil))
  const isFixedHoliday = (day: number) => day > knownUntil && fixedHolidays.has(compactDate(day).slice(4))
  const isUsual = (day: number) => weekdayOf(day) < saturday && !holidays.has(day) && !isFixedHoliday(day)
  const isTradingDay = (day: number) => open.has(day) || (!closed.has(day) && isUsual(day))
  const after = (day: number) => {
    let next = day + 1
    while (!isTradingDay(next)) next++
    return next
  }
  const upTo = (day: number) => {
    let newest = day
    while (!isTradingDay(newest)) newest--
    return newest
  }
  const nameOf = (day: number) => {
    const known = open.get(day) ?? closed.get(day) ?? holidays.get(day)
    if (known !== undefined) return known
    if (isFixedHoliday(day)) return 'public holiday'
    return weekdayOf(day) >= saturday ? weekend : undefined
  }
  const hasNightSession = (day: number) => {
    const next = after(day)
    const isPlainWeekend = weekdayOf(day) === friday && nameOf(day + 1) === weekend && nameOf(day + 2) === weekend
    return next === day + 1 || (next === day + 3 && isPlainWeekend)
  }
  const horizon = (at: number) => {
    let count = 0
    for (let day = after(dayOf(at)); day <= knownUntil && count < maxHorizonDays; day = after(day)) count++
    return count
  }
  return { isTradingDay, after, upTo, hasNightSession, nameOf, horizon, knownUntil }
}

/** Days since 1970-01-01 in Asia/Shanghai (UTC+8 since 1991, no daylight saving), whatever the time zone of the process. */
export function dayOf(at: number): number {
  return Math.floor((at + shanghaiOffsetMs) / dayMs)
}

/** The moment at which a day begins in Asia/Shanghai. */
export function startOf(day: number): number {
  return day * dayMs - shanghaiOffsetMs
}

/** YYYY-MM-DD of a day. */
export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

/** YYYYMMDD of a day. */
export function compactDate(day: number): string {
  return dateOf(day).replaceAll('-', '')
}

/** The day of a date, YYYY-MM-DD. */
export function parseDay(date: string): number {
  return Date.parse(date) / dayMs
}

const weekend = 'weekend'
const friday = 4
const saturday = 5

// 1970-01-01 was a Thursday; Monday is 0.
const weekdayOf = (day: number): number => (day + 3) % 7

// New Year's Eve of 2024 was no public holiday, and the exchanges were closed; the package does not know that, and no notice is at hand.
const exchangeClosures: [string, string][] = [['2024-02-09', 'Spring Festival']]

// The table's values are `English name,Chinese name,days`.
const holidays = new Map(
  [...Object.entries(table.holidays), ...exchangeClosures].map(([date, names]) => [parseDay(date), names.split(',')[0] ?? names]),
)

const lastKnownYear = Math.max(...Object.keys(table.holidays).map(date => Number(date.slice(0, 4))))
const lastKnownDay = parseDay(`${lastKnownYear}-12-31`)

// Regulation on Public Holidays (State Council): the dates that do not follow the lunar calendar.
const fixedHolidays = new Set(['0101', '0501', '0502', '1001', '1002', '1003'])

function spansOf(spans: Overrides['closed']): Map<number, string> {
  const days = new Map<number, string>()
  for (const { from, to = from, reason } of spans)
    for (let day = parseDay(from); day <= parseDay(to); day++) days.set(day, reason)
  return days
}
