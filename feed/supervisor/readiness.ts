import type { FeedReport, SessionStatus } from '../../crds/contract/feedstatus.ts'

/** Share of the subscriptions that the front takes at all which must be acknowledged (the older service's threshold). */
export const minCoverage = 0.995

export type Unready = { reason: string; message: string }

/** Why a feed does not serve what is desired; empty where it does. */
export function unreadyReasons(report: FeedReport, desiredActive: FeedReport['active']): Unready[] {
  const session = report.sessions.find(({ account }) => account === desiredActive)
  if (session === undefined) return [{ reason: 'SessionMissing', message: `there is no session ${desiredActive}` }]
  const reasons: (Unready | undefined)[] = [
    liveness(session),
    gateOf(report, session, desiredActive),
    coverage(session),
    data(report, session),
    silence(report),
    bus(report),
  ]
  return reasons.filter(reason => reason !== undefined)
}

/** Acknowledged subscriptions over those that the front did not refuse; 1 where nothing is wanted. */
export function coverageOf({ subscriptions }: Pick<SessionStatus, 'subscriptions'>): number {
  const possible = subscriptions.desired - subscriptions.rejected
  if (possible > 0) return subscriptions.acknowledged / possible
  return subscriptions.desired === 0 ? 1 : 0
}

function liveness({ account, state, message }: SessionStatus): Unready | undefined {
  if (state === 'live') return undefined
  return { reason: 'SessionNotLive', message: `${account} is ${state}${message === undefined ? '' : `: ${message}`}` }
}

function gateOf(report: FeedReport, { account, gate }: SessionStatus, desired: string): Unready | undefined {
  const { role, active, fence } = report
  if (fence?.by) return { reason: 'Deposed', message: `${fence.by.holder} has claimed epoch ${fence.by.epoch}` }
  if (active !== desired) return { reason: 'FailoverPending', message: `${active} publishes until ${desired} is live` }
  if ((role === 'publisher') === (gate === 'open')) return undefined
  return { reason: 'GateWrong', message: `the gate of ${account} is ${gate}, the role is ${role}` }
}

function coverage(session: SessionStatus): Unready | undefined {
  const ratio = coverageOf(session)
  if (ratio >= minCoverage) return undefined
  const { acknowledged, desired, rejected } = session.subscriptions
  const message = `${acknowledged} of ${desired} subscriptions acknowledged, ${rejected} refused`
  return { reason: 'CoverageLow', message }
}

function data({ market }: FeedReport, { account, lastTickAt }: SessionStatus): Unready | undefined {
  if (lastTickAt !== undefined || !market.open) return undefined
  return { reason: 'NoTicks', message: `${account} has not received a fresh tick` }
}

function silence({ silentGroups = [] }: FeedReport): Unready | undefined {
  if (silentGroups.length === 0) return undefined
  const groups = silentGroups.map(({ group, since }) => `${group} since ${new Date(since).toISOString()}`)
  return { reason: 'GroupSilent', message: `in session, and no tick of ${groups.join(', ')}` }
}

function bus({ role, publisher }: FeedReport): Unready | undefined {
  if (publisher.connected || role === 'standby') return undefined
  return { reason: 'BusUnreachable', message: publisher.message ?? 'the publisher is not connected' }
}
