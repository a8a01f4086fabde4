import type { Activity } from './activity.ts'
import type { ExchangeClock } from './clock.ts'
import type { Fault, Faults } from './faults.ts'
import type { Front } from './front.ts'
import type { Hours } from './hours.ts'
import type { Market } from './market.ts'
import type { Pacer } from './pacer.ts'
import type { Run } from './run.ts'
import type { FrontSession } from './session.ts'

export type StateParts = {
  startedAt: number
  market: Market
  front: Front
  faults: Faults
  pacer: Pacer
  activity: Activity
  clock: ExchangeClock
  hours: Hours | undefined
  run: Run
}

/** What `GET /state` tells. Times in ms since 1970. */
export function stateOf({ startedAt, market, front, faults, pacer, activity, clock, hours, run }: StateParts): object {
  const now = run.exchangeNow()
  return {
    startedAt,
    exchangeTime: Math.floor(now),
    tradingDay: clock.time(now).tradingDay,
    instruments: market.count,
    trading: hours === undefined ? market.count : hours.closed.reduce((sum, closed) => sum - closed, market.count),
    rate: activity.rate,
    requestsPerSecond: front.requestsPerSecond(),
    ticks: { generated: run.generated, late: pacer.late },
    burstsUnderWay: run.sweeps,
    counters: front.counters,
    faults: faults.list().map(fault => faultState(fault, Date.now())),
    sessions: [...front.sessions].map(session => sessionState(session, faults)),
  }
}

function faultState({ id, kind, settings, since, until, covers }: Fault, now: number): object {
  return {
    id,
    kind,
    settings,
    since,
    ...(covers && { instruments: covers.reduce((sum, covered) => sum + covered, 0) }),
    ...(until !== undefined && { endsInMs: Math.max(0, until - now) }),
  }
}

function sessionState(session: FrontSession, faults: Faults): object {
  return {
    id: session.id,
    port: session.port,
    user: session.user,
    since: session.since,
    subscriptions: session.subscriptions,
    pendingAcknowledgements: session.pendingAcknowledgements,
    unsentPackets: session.outbox.packets,
    sentTicks: session.sentTicks,
    stalled: faults.mask(session.user)?.every(silent => silent === 1) ?? false,
    halfOpen: session.isFrozen,
  }
}
