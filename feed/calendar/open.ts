import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { Launch } from '../../crds/contract/desired.ts'
import type { Calendar } from './calendar.ts'
import { type DaySessions, type Session, sessionsOf } from './sessions.ts'
import { dayOf, hasNightSession, isTradingDay, nameOf, startOf, tradingDayAfter } from './tradingdays.ts'

// The longest closure is a week of holidays between two weekends.
const longestClosureDays = 21
const eveningMs = 20 * 3_600_000

/**
 * The calendar of a feed: `always` is open at every moment; `china-futures` is open in the windows of the instrument on the
 * trading days of the Chinese futures exchanges, and in the five minutes of call auction before the first window of a day
 * or of a night. The end of a window is outside it.
 *
 * `openMs` leaves the auctions out: a front pushes once or twice in one, so that its silence is no stall.
 */
export function openCalendar(settings: Launch['calendar']): Calendar {
  return settings.type === 'always' ? alwaysOpen : chinaFutures()
}

const alwaysOpen: Calendar = {
  isOpen: () => true,
  nextChange: () => undefined,
  openMs: (_windows, from, to) => Math.max(0, to - from),
  tradingDay,
}

function chinaFutures(): Calendar {
  const compiled = new WeakMap<TradingWindows, DaySessions>()
  const sessions = (windows: TradingWindows): DaySessions => {
    const known = compiled.get(windows)
    if (known !== undefined) return known
    const fresh = sessionsOf(windows)
    compiled.set(windows, fresh)
    return fresh
  }
  return {
    isOpen: (windows, at) => isOpen(sessions(windows), at),
    nextChange: (windows, at) => nextChange(sessions(windows), at),
    openMs: (windows, from, to) => openMs(sessions(windows), from, to),
    tradingDay,
  }
}

/** A night session that runs past midnight stands in the list of the day on which it began. */
function isOpen(sessions: DaySessions, at: number): boolean {
  const today = dayOf(at)
  return [today - 1, today].some(day => {
    const time = at - startOf(day)
    return held(sessions, day).some(session => time >= session.opens && time < session.ends)
  })
}

function nextChange(sessions: DaySessions, at: number): number | undefined {
  const open = isOpen(sessions, at)
  const today = dayOf(at)
  for (let day = today - 1; day <= today + longestClosureDays; day++) {
    const start = startOf(day)
    for (const { opens, ends } of held(sessions, day)) {
      const edge = start + (open ? ends : opens)
      if (edge > at && isOpen(sessions, edge) !== open) return edge
    }
  }
  return undefined
}

function openMs(sessions: DaySessions, from: number, to: number): number {
  let total = 0
  for (let day = dayOf(from) - 1; day <= dayOf(to); day++) {
    const start = startOf(day)
    for (const { begins, ends } of held(sessions, day)) {
      total += Math.max(0, Math.min(to, start + ends) - Math.max(from, start + begins))
    }
  }
  return total
}

const none: Session[] = []

function held({ day: daytime, dayAndNight }: DaySessions, day: number): Session[] {
  if (!isTradingDay(day)) return none
  return hasNightSession(day) ? dayAndNight : daytime
}

function tradingDay(at: number): string {
  const today = dayOf(at)
  const isEvening = at - startOf(today) >= eveningMs
  return nameOf(isTradingDay(today) && !isEvening ? today : tradingDayAfter(today))
}
