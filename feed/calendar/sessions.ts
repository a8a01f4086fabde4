import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import { stalled } from '../../crds/contract/fault.ts'

/** ms after the midnight of the day on which it starts: the auction `opens` it, continuous trading `begins`, and it `ends`. */
export type Session = { opens: number; begins: number; ends: number }

export type DaySessions = { day: Session[]; dayAndNight: Session[] }

// CFFEX and commodity trading rules: call auctions take the five minutes before the open of a day and of a night.
const auctionMs = 5 * 60_000

/** Trading windows in ms, with the auction before the first of a day and of a night. Throws a stalled Fault `WindowInvalid`. */
export function sessionsOf(windows: TradingWindows): DaySessions {
  const day = withAuction(windows.day)
  return { day, dayAndNight: [...day, ...withAuction(windows.night ?? [])] }
}

function withAuction(windows: TradingWindows['day']): Session[] {
  const sessions = windows.map(([from, to]) => sessionOf(from, to)).sort((a, b) => a.begins - b.begins)
  return sessions.map((session, index) => (index === 0 ? { ...session, opens: session.begins - auctionMs } : session))
}

function sessionOf(from: string, to: string): Session {
  const begins = timeOf(from)
  const ends = timeOf(to)
  if (begins >= ends) throw stalled('WindowInvalid', `trading window ${from} to ${to} ends before it begins`)
  return { opens: begins, begins, ends }
}

function timeOf(text: string): number {
  const [, hours, minutes, seconds] = /^([0-3]\d):([0-5]\d):([0-5]\d)$/.exec(text) ?? []
  if (hours === undefined) throw stalled('WindowInvalid', `"${text}" is no time of a trading window: write HH:MM:SS`)
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
}
