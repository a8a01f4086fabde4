import type { Overrides } from '../../crds/contract/calendar.ts'
import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { Launch } from '../../crds/contract/desired.ts'
import { canonical } from '../../crds/contract/digest.ts'
import type { Calendar } from './calendar.ts'
import { noOverrides, readOverrides } from './overrides.ts'
import { type DaySessions, type Session, sessionsOf } from './sessions.ts'
import { compactDate, dayOf, parseDay, startOf, type TradingDays, tradingDaysOf } from './tradingdays.ts'

/** Days ahead that are searched for the next change: longer than any closure that holidays and overrides add up to. */
const longestClosureDays = 100
const eveningMs = 20 * 3_600_000

/**
 * The calendar of a feed: `always` is open at every moment; `china-futures` is open in the windows of the instrument on the
 * trading days of the Chinese futures exchanges, and in the five minutes of call auction before the first window of a day
 * or of a night. The end of a window is outside it.
 *
 * `openMs` leaves the auctions out: a front pushes once or twice in one, so that its silence is no stall.
 */
export function openCalendar({ type }: Pick<Launch['calendar'], 'type'>, overrides: Overrides = noOverrides): Calendar {
  return type === 'always' ? alwaysOpen(overrides) : chinaFutures(overrides)
}

/** The same, with the override file that the settings name. Throws a stalled Fault `CalendarInvalid`. */
export async function loadCalendar(settings: Launch['calendar'], dataDirectory: string): Promise<Calendar> {
  const { overrides } = settings
  return openCalendar(settings, overrides === undefined ? noOverrides : await readOverrides(dataDirectory, overrides))
}

function alwaysOpen(overrides: Overrides): Calendar {
  const days = tradingDaysOf(overrides)
  return {
    isOpen: () => true,
    nextChange: () => undefined,
    openMs: (_windows, from, to) => Math.max(0, to - from),
    tradingDay: at => tradingDay(days, at),
    sessionsOn: () => none,
    days,
  }
}

/** The sessions that begin on a day. */
type SessionsOn = (day: number) => Session[]

function chinaFutures(overrides: Overrides): Calendar {
  const days = tradingDaysOf(overrides)
  const compiled = new WeakMap<TradingWindows, SessionsOn>()
  const sessions = (windows: TradingWindows): SessionsOn => {
    const known = compiled.get(windows)
    if (known !== undefined) return known
    const fresh = compile(windows, overrides, days)
    compiled.set(windows, fresh)
    return fresh
  }
  return {
    isOpen: (windows, at) => isOpen(sessions(windows), at),
    nextChange: (windows, at) => nextChange(sessions(windows), at),
    openMs: (windows, from, to) => openMs(sessions(windows), from, to),
    tradingDay: at => tradingDay(days, at),
    sessionsOn: (windows, day) => sessions(windows)(day),
    days,
  }
}

type Change = DaySessions & { from: number; to: number }

function compile(windows: TradingWindows, overrides: Overrides, days: TradingDays): SessionsOn {
  const usual = sessionsOf(windows)
  const changes: Change[] = overrides.windows
    .filter(({ replaces }) => replaces === undefined || canonical(replaces) === canonical(windows))
    .map(({ from, to, day, night }) => ({ ...sessionsOf({ day, night }), from: parseDay(from), to: parseDay(to) }))
  return day => {
    if (!days.isTradingDay(day)) return none
    const { day: daytime, dayAndNight } = changes.findLast(({ from, to }) => day >= from && day <= to) ?? usual
    return days.hasNightSession(day) ? dayAndNight : daytime
  }
}

/** A night session that runs past midnight stands in the list of the day on which it began. */
function isOpen(sessionsOn: SessionsOn, at: number): boolean {
  const today = dayOf(at)
  return [today - 1, today].some(day => {
    const time = at - startOf(day)
    return sessionsOn(day).some(session => time >= session.opens && time < session.ends)
  })
}

function nextChange(sessionsOn: SessionsOn, at: number): number | undefined {
  const open = isOpen(sessionsOn, at)
  const today = dayOf(at)
  for (let day = today - 1; day <= today + longestClosureDays; day++) {
    const start = startOf(day)
    for (const { opens, ends } of sessionsOn(day)) {
      const edge = start + (open ? ends : opens)
      if (edge > at && isOpen(sessionsOn, edge) !== open) return edge
    }
  }
  return undefined
}

function openMs(sessionsOn: SessionsOn, from: number, to: number): number {
  let total = 0
  for (let day = dayOf(from) - 1; day <= dayOf(to); day++) {
    const start = startOf(day)
    for (const { begins, ends } of sessionsOn(day)) {
      total += Math.max(0, Math.min(to, start + ends) - Math.max(from, start + begins))
    }
  }
  return total
}

const none: Session[] = []

function tradingDay(days: TradingDays, at: number): string {
  const today = dayOf(at)
  const isEvening = at - startOf(today) >= eveningMs
  return compactDate(days.isTradingDay(today) && !isEvening ? today : days.after(today))
}
