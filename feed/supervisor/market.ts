import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { canonical } from '../../crds/contract/digest.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import type { Calendar } from '../calendar/calendar.ts'

const windowsOfGroups = new WeakMap<InstrumentGroup[], TradingWindows[]>()

/** The different trading windows among groups, which nobody changes: found once for each array of them. */
export function windowsOf(groups: InstrumentGroup[]): TradingWindows[] {
  const known = windowsOfGroups.get(groups)
  if (known !== undefined) return known
  const windows = [...new Map(groups.map(group => [canonical(group.windows), group.windows])).values()]
  windowsOfGroups.set(groups, windows)
  return windows
}

/** Whether any of the windows is open, and when that may change next. */
export function marketAt(calendar: Calendar, windows: TradingWindows[], now: number): FeedReport['market'] {
  const changes = windows.map(one => calendar.nextChange(one, now)).filter(change => change !== undefined)
  const open = windows.some(one => calendar.isOpen(one, now))
  return changes.length === 0 ? { open } : { open, nextChange: Math.min(...changes) }
}

/**
 * ms of silence between two moments: continuous trading without a break up to the later one. So it is 0 outside trading hours, and counts
 * from the open after each break, because the first tick of a window may take its time.
 */
export function silenceOf(calendar: Calendar, windows: TradingWindows, from: number, to: number): number {
  const openMs = calendar.openMs(windows, from, to)
  if (to <= from || openMs === to - from) return openMs
  let shortest = 0
  let longest = openMs
  while (longest - shortest > 1) {
    const middle = Math.floor((shortest + longest) / 2)
    if (calendar.openMs(windows, to - middle, to) >= middle) shortest = middle
    else longest = middle
  }
  return calendar.openMs(windows, to - longest, to) >= longest ? longest : shortest
}
