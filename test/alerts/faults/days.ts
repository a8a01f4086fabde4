import { dateOf, dayOf } from '../../../feed/calendar/tradingdays.ts'

const reason = 'a test'
const maxSpanDays = 31
const longKnownDays = 300

/** Overrides with which the market is in session at every moment of these days, and all holidays are known for long. */
export function openAroundTheClock(now: number): object {
  const today = dayOf(now)
  const span = { from: dateOf(today - 2), to: dateOf(today + 2), reason }
  const day = [['00:00:00', '24:00:00']]
  return { knownUntil: dateOf(today + longKnownDays), open: [span], windows: [{ ...span, day }] }
}

/** Overrides that close two years from now, so that hardly a trading day is left of those for which holidays are known. */
export function closedForLong(now: number): object {
  const today = dayOf(now)
  const starts = Array.from({ length: 24 }, (_, index) => today + index * maxSpanDays)
  return { closed: starts.map(from => ({ from: dateOf(from), to: dateOf(from + maxSpanDays - 1), reason })) }
}
