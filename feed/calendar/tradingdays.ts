import table from 'chinese-days/dist/chinese-days.json' with { type: 'json' }

export const dayMs = 86_400_000
const shanghaiOffsetMs = 8 * 3_600_000

/** Days since 1970-01-01 in Asia/Shanghai (UTC+8 since 1991, no daylight saving), whatever the time zone of the process. */
export function dayOf(at: number): number {
  return Math.floor((at + shanghaiOffsetMs) / dayMs)
}

/** The moment at which a day begins in Asia/Shanghai. */
export function startOf(day: number): number {
  return day * dayMs - shanghaiOffsetMs
}

/** YYYYMMDD of a day. */
export function nameOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '')
}

/**
 * Whether the futures exchanges trade on a day: Monday to Friday without public holidays. A weekend that the State Council
 * makes a working one is none for the exchanges. Holidays are those of the package chinese-days.
 */
export function isTradingDay(day: number): boolean {
  return weekdayOf(day) < saturday && !closedDays.has(day) && !isUnannouncedHoliday(day)
}

/** The first trading day after a day. */
export function tradingDayAfter(day: number): number {
  let next = day + 1
  while (!isTradingDay(next)) next++
  return next
}

/**
 * Whether a night session follows a trading day: it belongs to the next trading day, and there is none before a public
 * holiday (SHFE trading rules, continuous trading). A plain weekend between the two is no holiday.
 */
export function hasNightSession(day: number): boolean {
  const next = tradingDayAfter(day)
  return next === day + 1 || (weekdayOf(day) === friday && next === day + 3)
}

/**
 * How many trading days after a moment the holidays are known for. The State Council announces a year in the November before it:
 * a small number says that the package chinese-days needs an update. Beyond the horizon only weekends and the holidays whose date
 * the law fixes are closed.
 */
export function horizon(at: number): number {
  let count = 0
  for (let day = tradingDayAfter(dayOf(at)); day <= lastKnownDay; day = tradingDayAfter(day)) count++
  return count
}

const friday = 4
const saturday = 5

// 1970-01-01 was a Thursday; Monday is 0.
const weekdayOf = (day: number): number => (day + 3) % 7

const parse = (date: string): number => Date.parse(date) / dayMs

// New Year's Eve of 2024 was no public holiday, and the exchanges were closed (SHFE notice of December 2023).
const exchangeClosures = ['2024-02-09']

const closedDays = new Set([...Object.keys(table.holidays), ...exchangeClosures].map(parse))

const lastKnownYear = Math.max(...Object.keys(table.holidays).map(date => Number(date.slice(0, 4))))
const lastKnownDay = parse(`${lastKnownYear}-12-31`)

// Regulation on Public Holidays (State Council): the dates that do not follow the lunar calendar.
const fixedHolidays = new Set(['0101', '0501', '0502', '1001', '1002', '1003'])

const isUnannouncedHoliday = (day: number): boolean => day > lastKnownDay && fixedHolidays.has(nameOf(day).slice(4))
