import type { Exchange } from '../../crds/contract/catalogue.ts'
import { dayOf, startOf, type TradingDays } from '../calendar/tradingdays.ts'
import type { Depth } from './depth.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const shanghaiMs = 8 * hourMs
const eveningMs = 18 * hourMs
const morningMs = 8 * hourMs
/** Further than this from the receive time, a tick is a recording and its receive time says nothing about its date. */
const recordingMs = 2 * dayMs
/** What two clocks may differ by: a push from further in the future has the wrong date. */
const futureMs = hourMs
const maxRememberedDays = 64

type Days = Pick<TradingDays, 'isTradingDay' | 'hasNightSession' | 'upTo'>

/**
 * The exchange's own time of a push in ms since 1970, or `null` where the push carries no usable date or time.
 *
 * By day the date is the trading day. At night it is not: SHFE and INE send the calendar day in ActionDay, DCE sends the trading
 * day in it, CZCE sends the calendar day as TradingDay, and the native binding overwrites ActionDay from the machine's clock
 * (vnpy#559, vnpy_ctp#34). So the two dates that a night push can mean are both worked out: one in the future is out, else the one nearer to the receive time
 * holds; for a recording, ActionDay where it lies before the trading day.
 *
 * `isFirst`: the first push after a login. It is the instrument's old state, of the afternoon before perhaps, with the trading day of the login and
 * the machine's day for ActionDay: neither needs to be one on which it was traded.
 */
export function exchangeTimeOf(depth: Depth, receivedAt: number, isFirst: boolean, days: Days): number | null {
  const time = timeOfDayOf(depth.UpdateTime) + depth.UpdateMillisec
  const booked = dayStartOf(depth.TradingDay)
  const action = dayStartOf(depth.ActionDay)
  if (!isNight(time)) {
    const day = Number.isNaN(booked) ? action : booked
    return numberOrNull((isFirst ? notAhead(day, receivedAt - time, days) : day) + time)
  }
  const dawnMs = time < morningMs ? dayMs : 0
  const evening = eveningBefore(booked) + dawnMs
  if (isFirst && !Number.isNaN(evening) && !isFollowedByNight(action - dawnMs, days)) return numberOrNull(evening + time)
  return numberOrNull(likelier(action, evening, booked, receivedAt - time) + time)
}

/** The day that a push is booked under: CZCE sends the calendar day at night, and the answer to the login has the day that it belongs to. */
export function tradingDayOf(exchange: Exchange, depth: Depth, loginDay: string): string {
  const isLate = exchange === 'CZCE' && loginDay > depth.TradingDay && isNight(timeOfDayOf(depth.UpdateTime))
  return isLate ? loginDay : depth.TradingDay
}

/** ISO 8601 with milliseconds and +08:00. */
export function isoOf(at: number): string {
  const second = Math.floor(at / 1000)
  if (second !== lastSecond.second) lastSecond = { second, text: `${secondTextOf(second)}.` }
  return `${lastSecond.text}${three(Math.floor(at - second * 1000))}+08:00`
}

/** Night sessions begin in the evening and end before the morning; `time` is ms since midnight. */
export function isNight(time: number): boolean {
  return time >= eveningMs || time < morningMs
}

/** ms since midnight of `HH:MM:SS`, NaN where it is none. */
export function timeOfDayOf(text: string): number {
  if (text.length !== 8) return Number.NaN
  return (pair(text, 0) * 3600 + pair(text, 3) * 60 + pair(text, 6)) * 1000
}

/** The day, or, where the time lies in the future on it, the newest trading day on which it does not. `near`: the receive time less the time of day. */
function notAhead(day: number, near: number, days: Days): number {
  return day - near > futureMs ? startOf(days.upTo(dayOf(near + futureMs))) : day
}

// On Monday morning an ActionDay that is the machine's would have Saturday's ticks before dawn be Monday's.
function isFollowedByNight(start: number, days: Days): boolean {
  const day = dayOf(start)
  return days.isTradingDay(day) && days.hasNightSession(day)
}

// A night session belongs to the next weekday, and there is none before a holiday: Monday's was on Friday, all others' the day before.
function eveningBefore(booked: number): number {
  const isMonday = new Date(booked + shanghaiMs).getUTCDay() === 1
  return booked - (isMonday ? 3 : 1) * dayMs
}

function likelier(action: number, evening: number, booked: number, near: number): number {
  if (Number.isNaN(action)) return evening
  if (Number.isNaN(evening)) return action
  if (action - near > futureMs) return evening
  if (evening - near > futureMs) return action
  const actionOff = Math.abs(action - near)
  const eveningOff = Math.abs(evening - near)
  if (Math.min(actionOff, eveningOff) > recordingMs) return action < booked ? action : evening
  return actionOff <= eveningOff ? action : evening
}

const rememberedDays = new Map<string, number>()

function dayStartOf(day: string): number {
  const known = rememberedDays.get(day)
  if (known !== undefined) return known
  if (rememberedDays.size >= maxRememberedDays) rememberedDays.clear()
  const valid = /^\d{8}$/.test(day)
  const start = valid ? Date.UTC(+day.slice(0, 4), +day.slice(4, 6) - 1, +day.slice(6)) - shanghaiMs : Number.NaN
  rememberedDays.set(day, start)
  return start
}

/** Neighbours share their second. */
let lastSecond = { second: Number.NaN, text: '' }

const secondTextOf = (second: number): string => new Date(second * 1000 + shanghaiMs).toISOString().slice(0, 19)

const three = (value: number): string => (value < 10 ? `00${value}` : value < 100 ? `0${value}` : `${value}`)
const pair = (text: string, at: number): number => (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
const numberOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value)
