import type { Exchange, TradingWindows } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { type HeldPlace, HeldPushes } from './held.ts'

/** Where an instrument stands with the front. `none`: not wanted, or not yet asked for on this connection. */
export type SubscriptionState = 'none' | 'queued' | 'sent' | 'acknowledged' | 'rejected'

/** Windows shared by a group's instruments, with the interval for which the calendar's last answer holds. */
export type TradingHours = { windows: TradingWindows; from: number; until: number; open: boolean }

/** One instrument in a session: what is known of it, where it stands with the front, and where it stands with the bus. */
export type Line = {
  instrument: string
  exchange: Exchange
  /** What CTP's AveragePrice is divided by: the multiplier, but 1 at CZCE. */
  averageDivisor: number
  hours: TradingHours

  wanted: boolean
  state: SubscriptionState
  attempts: number
  sentAt: number
  reason: string
  /** A push came since the last subscription: the next one is a fresh tick. */
  seen: boolean

  /** The newest published tick: its sequence (0: none yet), exchange time in ms, volume and hash. */
  sequence: number
  time: number
  volume: number
  hash: number
  /** Set until the stream is known to have passed the newest published tick, after a take-over or a reconnect. */
  anchored: boolean

  /** The newest exchange time that was pushed, and the fingerprints of its pushes. */
  momentTime: number
  moment: number[]
  held: HeldPlace
}

/** The lines of a desired state, new or kept: `known` has every line of this process, so that sequences survive a removal. */
export function linesOf(groups: InstrumentGroup[], known: Map<string, Line>): Set<Line> {
  const wanted = new Set<Line>()
  for (const group of groups) {
    const hours: TradingHours = { windows: group.windows, from: 0, until: 0, open: false }
    for (const instrument of group.instruments) wanted.add(lineOf(instrument, group, hours, known))
  }
  return wanted
}

function lineOf(instrument: string, group: InstrumentGroup, hours: TradingHours, known: Map<string, Line>): Line {
  const line = known.get(instrument) ?? newLine(instrument, group, hours)
  line.exchange = group.exchange
  line.averageDivisor = group.exchange === 'CZCE' ? 1 : group.multiplier
  line.hours = hours
  known.set(instrument, line)
  return line
}

function newLine(instrument: string, group: InstrumentGroup, hours: TradingHours): Line {
  return {
    instrument,
    exchange: group.exchange,
    averageDivisor: group.multiplier,
    hours,
    wanted: false,
    state: 'none',
    attempts: 0,
    sentAt: 0,
    reason: '',
    seen: false,
    sequence: 0,
    time: 0,
    volume: 0,
    hash: 0,
    anchored: false,
    momentTime: -1,
    moment: [],
    held: HeldPushes.place(),
  }
}
