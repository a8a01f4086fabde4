import type { TradingWindows } from '../../crds/contract/catalogue.ts'

/** ms after the midnight of the day on which it starts: the auction `opens` it, continuous trading `begins`, and it `ends`. */
export type Session = { opens: number; begins: number; ends: number }

export type DaySessions = { day: Session[]; dayAndNight: Session[] }

// CFFEX and commodity trading rules: call auctions take the five minutes before the open of a day and of a night.
const auctionMs = 5 * 60_000

/** Trading windows, as `windowsSchema` lets them through, in ms, with the auction before the first of a day and of a night. Never throws: timers ask. */
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
  return { opens: begins, begins, ends: timeOf(to) }
}

function timeOf(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number)
  return (hours * 3600 + minutes * 60 + seconds) * 1000
}
