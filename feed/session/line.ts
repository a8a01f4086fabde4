import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import type { TickLine } from '../publish/numbered.ts'
import { type TickGroup, tickGroupsOf } from './tickgroup.ts'

/** Where an instrument stands with the front. `none`: not wanted, or not yet asked for on this connection. */
export type SubscriptionState = 'none' | 'queued' | 'sent' | 'acknowledged' | 'rejected'

/** Windows shared by a group's instruments, with the interval for which the calendar's last answer holds. */
export type TradingHours = { windows: TradingWindows; from: number; until: number; open: boolean }

/** One instrument in a session: what is known of it, and where it stands with the front. Where it stands with the bus is in the gate's tables. */
export type Line = TickLine & {
  /** Its row in the tables of the gate: how many lines were known before it. */
  row: number
  /** What CTP's AveragePrice is divided by: the multiplier, but 1 at CZCE. */
  averageDivisor: number
  hours: TradingHours
  group: TickGroup

  wanted: boolean
  state: SubscriptionState
  attempts: number
  sentAt: number
  reason: string
  /** The front's error id of the refusal; 0 where it never answered. */
  errorId: number
  /** When the front acknowledged it, and the newest fresh tick since the subscription (0: none); ms since 1970. */
  acknowledgedAt: number
  freshAt: number
  /** A push came since the last subscription: the next one is a fresh tick. */
  seen: boolean
  /** When the connection that it was last seen on was lost, ms since 1970; 0 where it was not since the gate closed. */
  lostAt: number
}

/**
 * The lines of a desired state, new or kept: `known` has every line of this process, so that sequences survive a removal.
 * `tickGroups` are those of `groups`, in their order.
 */
export function linesOf(groups: InstrumentGroup[], known: Map<string, Line>, tickGroups = tickGroupsOf(groups)): Set<Line> {
  const wanted = new Set<Line>()
  for (const [i, group] of groups.entries()) {
    const hours: TradingHours = { windows: group.windows, from: 0, until: 0, open: false }
    const shared = { group, hours, tickGroup: tickGroups[i] as TickGroup }
    for (const instrument of group.instruments) wanted.add(lineOf(instrument, shared, known))
  }
  return wanted
}

type Shared = { group: InstrumentGroup; hours: TradingHours; tickGroup: TickGroup }

function lineOf(instrument: string, { group, hours, tickGroup }: Shared, known: Map<string, Line>): Line {
  const line = known.get(instrument) ?? newLine(known.size, instrument, { group, hours, tickGroup })
  // A corrected catalogue: from here on under the subject of the right exchange.
  if (line.exchange !== group.exchange) line.lane = undefined
  line.exchange = group.exchange
  line.averageDivisor = group.exchange === 'CZCE' ? 1 : group.multiplier
  line.hours = hours
  line.group = tickGroup
  known.set(instrument, line)
  return line
}

function newLine(row: number, instrument: string, { group, hours, tickGroup }: Shared): Line {
  return {
    row,
    instrument,
    exchange: group.exchange,
    lane: undefined,
    averageDivisor: group.multiplier,
    hours,
    group: tickGroup,
    wanted: false,
    state: 'none',
    attempts: 0,
    sentAt: 0,
    reason: '',
    errorId: 0,
    acknowledgedAt: 0,
    freshAt: 0,
    seen: false,
    lostAt: 0,
  }
}
