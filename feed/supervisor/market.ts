import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { canonical } from '../../crds/contract/digest.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import type { Calendar } from '../calendar/calendar.ts'

/** The different trading windows among the groups. */
export function windowsOf(groups: InstrumentGroup[]): TradingWindows[] {
  return [...new Map(groups.map(group => [canonical(group.windows), group.windows])).values()]
}

/** Whether any of the windows is open, and when that may change next. */
export function marketAt(calendar: Calendar, windows: TradingWindows[], now: number): FeedReport['market'] {
  const changes = windows.map(one => calendar.nextChange(one, now)).filter(change => change !== undefined)
  const open = windows.some(one => calendar.isOpen(one, now))
  return changes.length === 0 ? { open } : { open, nextChange: Math.min(...changes) }
}

/** ms of open session between two moments: the most of any of the windows. */
export function openMsOf(calendar: Calendar, windows: TradingWindows[], from: number, to: number): number {
  return Math.max(0, ...windows.map(one => calendar.openMs(one, from, to)))
}
