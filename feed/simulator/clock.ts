const shanghaiMs = 8 * 3_600_000
const dayMs = 86_400_000
const eveningMs = 18 * 3_600_000

/** A moment as the exchange's clock shows it: Asia/Shanghai has been UTC+8 without daylight saving since 1991. */
export type ExchangeTime = {
  second: number
  millisecond: number
  /** YYYYMMDD as a number */
  actionDay: number
  tradingDay: number
}

/**
 * The exchange's clock. From 18:00 on a tick is booked under the next weekday. Holidays are not known here: the simulator trades
 * whenever it runs, unless its hours say otherwise. `daysAhead` more weekdays are booked for each day change that was ordered.
 */
export class ExchangeClock {
  #daysAhead = 0
  /** The days of the clock hold from one moment up to another, in ms of local time. */
  #from = 0
  #until = 0
  #actionDay = 0
  #tradingDay = 0

  get daysAhead(): number {
    return this.#daysAhead
  }

  changeDay(days: number): void {
    this.#daysAhead += days
    this.#until = this.#from
  }

  /** `at` in ms since 1970. */
  time(at: number): ExchangeTime {
    const local = Math.floor(at) + shanghaiMs
    if (local < this.#from || local >= this.#until) this.#turn(local)
    const inDay = local % dayMs
    return {
      second: Math.floor(inDay / 1000),
      millisecond: inDay % 1000,
      actionDay: this.#actionDay,
      tradingDay: this.#tradingDay,
    }
  }

  #turn(local: number): void {
    const day = local - (local % dayMs)
    const isEvening = local - day >= eveningMs
    this.#from = isEvening ? day + eveningMs : day
    this.#until = isEvening ? day + dayMs : day + eveningMs
    this.#actionDay = dayNumber(day)
    let booked = weekdayFrom(isEvening ? day + dayMs : day)
    for (let ahead = 0; ahead < this.#daysAhead; ahead++) booked = weekdayFrom(booked + dayMs)
    this.#tradingDay = dayNumber(booked)
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
