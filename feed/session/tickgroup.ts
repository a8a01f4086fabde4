import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { canonical } from '../../crds/contract/digest.ts'

/** Groups that are watched; the names are values of a metric's label. The full universe has 20. */
export const maxTickGroups = 48

/** Instruments that trade, and so fall silent, together: those of one exchange with the same trading windows. */
export type TickGroup = {
  /** `SHFE/21:00-02:30`: the exchange, and its night session or, where it has none, its day from open to close. */
  name: string
  windows: TradingWindows
  /** Receive time of the newest fresh tick of any of the instruments, in ms since 1970; 0 before the first. */
  lastTickAt: number
}

/** Never in session, so that nobody waits for a tick of it. */
const unwatched: TradingWindows = { day: [] }

/**
 * The group of each group of the desired state, in their order; `known` are the groups there were, which keep their ticks. What goes beyond
 * `maxTickGroups` is one group `other`, which is not watched.
 */
export function tickGroupsOf(groups: Pick<InstrumentGroup, 'exchange' | 'windows'>[], known: TickGroup[] = []): TickGroup[] {
  const kept = new Map(known.map(group => [group.name, group]))
  const byKey = new Map<string, TickGroup>()
  const taken = new Set<string>()
  const other: TickGroup = { name: 'other', windows: unwatched, lastTickAt: 0 }
  const groupOf = (exchange: string, windows: TradingWindows): TickGroup => {
    if (byKey.size >= maxTickGroups) return other
    const short = `${exchange}/${spanOf(windows)}`
    const name = taken.has(short) ? `${exchange}/${fullSpanOf(windows)}` : short
    taken.add(name)
    return { name, windows, lastTickAt: kept.get(name)?.lastTickAt ?? 0 }
  }
  return groups.map(({ exchange, windows }) => {
    const key = `${exchange} ${canonical(withoutEmptyNight(windows))}`
    const group = byKey.get(key) ?? groupOf(exchange, windows)
    if (group !== other) byKey.set(key, group)
    return group
  })
}

// Catalogues have both `night: []` and no night at all.
function withoutEmptyNight({ day, night }: TradingWindows): TradingWindows {
  return night === undefined || night.length === 0 ? { day } : { day, night }
}

function spanOf({ day, night }: TradingWindows): string {
  const windows = night?.length ? night : day
  const [first] = windows
  const last = windows.at(-1)
  return first === undefined || last === undefined ? 'never' : `${clockOf(first[0])}-${clockOf(last[1])}`
}

function fullSpanOf({ day, night }: TradingWindows): string {
  return [...(night ?? []), ...day].map(([from, to]) => `${clockOf(from)}-${clockOf(to)}`).join(',')
}

// Hours of 24 and more belong to the next day.
function clockOf(time: string): string {
  const hour = Number(time.slice(0, 2)) % 24
  return `${String(hour).padStart(2, '0')}${time.slice(2, 5)}`
}
