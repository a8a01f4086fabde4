import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { Session } from './sessions.ts'
import type { TradingDays } from './tradingdays.ts'

/** When a group of instruments trades. Times are ms since 1970; the windows are Asia/Shanghai (UTC+8, no daylight saving). */
export type Calendar = {
  /** Whether continuous trading or a call auction is on for these windows at the moment. */
  isOpen(windows: TradingWindows, at: number): boolean
  /** The next moment at which `isOpen` changes; `undefined` when it never does. */
  nextChange(windows: TradingWindows, at: number): number | undefined
  /** ms of open session between two moments: what counts as silence for the watchdog. */
  openMs(windows: TradingWindows, from: number, to: number): number
  /** YYYYMMDD that a tick at this moment is booked under: at night, the next trading day. */
  tradingDay(at: number): string
  /** The sessions that begin on a day, as times after its midnight; none where the market never closes. */
  sessionsOn(windows: TradingWindows, day: number): Session[]
  days: TradingDays
}
