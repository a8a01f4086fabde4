const shanghaiMs = 8 * 3_600_000
const dayMs = 86_400_000

/** A moment as the exchange's clock shows it: Asia/Shanghai has been UTC+8 without daylight saving since 1991. */
export type ExchangeTime = {
  second: number
  millisecond: number
  /** YYYYMMDD as a number */
  actionDay: number
  tradingDay: number
}

/**
 * From 18:00 on, and before 06:00 of a day that follows a night session, a tick is booked under the next weekday. Holidays are not
 * known here: the simulator trades whenever it runs.
 */
export function exchangeTime(at: number): ExchangeTime {
  const local = at + shanghaiMs
  const inDay = local % dayMs
  const day = local - inDay
  const evening = inDay >= 18 * 3_600_000
  return {
    second: Math.floor(inDay / 1000),
    millisecond: Math.floor(inDay % 1000),
    actionDay: dayNumber(day),
    tradingDay: dayNumber(weekdayFrom(evening ? day + dayMs : day)),
  }
}

function weekdayFrom(day: number): number {
  const weekday = new Date(day).getUTCDay()
  if (weekday === 6) return day + 2 * dayMs
  return weekday === 0 ? day + dayMs : day
}

function dayNumber(day: number): number {
  const date = new Date(day)
  return date.getUTCFullYear() * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate()
}
