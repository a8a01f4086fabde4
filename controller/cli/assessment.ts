import type { CalendarView } from '../../crds/contract/calendar.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import type { RetryRequest, SubscriptionCounts, SubscriptionsView } from '../../crds/contract/subscriptions.ts'
import { renderSpan } from './duration.ts'
import { type FeedView, healthOf, type State } from './health.ts'
import { coverageOf, percent } from './subscriptionpage.ts'

/** What `feedctl health` holds a feed to. */
export type Bounds = {
  /** Share of the declared instruments that must be acknowledged and pushed; as many less may be stalled without a word. */
  threshold: number
  /** Open session without a tick of any instrument that is a warning, and an error, in ms. */
  lagWarningMs: number
  lagCriticalMs: number
  /** Open session without a tick of one instrument that counts it as stalled, in s. */
  silentAfterSeconds: number
}

/** A feed as it answered. `subscriptions` is a text where it could not be asked: why. */
export type Sight = { feed: FeedView; subscriptions: SubscriptionsView | string; calendar: CalendarView | undefined; now: number }

export type Level = 'ok' | 'warning' | 'error'
type Check = 'state' | 'answer' | 'coverage' | 'missing' | 'rejected' | 'stalled' | 'lag'

/** What is not as it should be, and what to do about it. */
export type Finding = { check: Check; level: Exclude<Level, 'ok'>; message: string; todo: string }

/** What to have asked again; without states only time is given, because the feed asks by itself. */
export type Remedy = Pick<RetryRequest, 'states' | 'silentAfterSeconds'>

/** The health of one feed. Counts are of the account that publishes, and absent where it does not run. */
export type Assessment = {
  feed: string
  level: Level
  state: State
  session: 'open' | 'closed'
  account?: string
  coverage?: number
  desired?: number
  acknowledged?: number
  /** Neither acknowledged nor refused: the feed is still asking. */
  missing?: number
  /** Acknowledged, and silent for too long in open session. */
  stalled?: number
  /** Refused by the front, quarantined ones included. */
  rejected?: number
  /** Open session since the newest tick of any instrument, in s; absent outside of it. */
  lagSeconds?: number
  /** The account that publishes is in trouble, and the other one is not. */
  failoverRequired: boolean
  findings: Finding[]
  remedy?: Remedy
}

const rank: Level[] = ['error', 'warning', 'ok']

/** The worst of several; ok of none. */
export function worst(levels: Level[]): Level {
  return rank.find(level => levels.includes(level)) ?? 'ok'
}

/** Judges one feed. Pure. */
export function assess(sight: Sight, bounds: Bounds): Assessment {
  const { feed, subscriptions, now } = sight
  const { state } = healthOf(feed, now)
  const counts = activeOf(subscriptions)?.counts
  const lagMs = lagOf(sight)
  const findings = findingsOf(sight, bounds, lagMs)
  const remedy = feed.spec.suspend ? undefined : remedyOf(findings, counts, bounds)
  return {
    feed: keyOf(feed.metadata),
    level: worst(findings.map(({ level }) => level)),
    state,
    session: feed.status.market?.open ? 'open' : 'closed',
    ...(typeof subscriptions !== 'string' && { account: subscriptions.active }),
    ...(counts && countsOf(counts)),
    ...(lagMs !== undefined && { lagSeconds: Math.round(lagMs / 1000) }),
    failoverRequired: isFailoverRequired(sight, bounds, findings),
    findings,
    ...(remedy && { remedy }),
  }
}

/** What is left to an operator when nothing more is tried: one command. */
export function escalationOf({ feed, failoverRequired, findings }: Assessment): string | undefined {
  if (failoverRequired) return `feedctl failover ${feed} --wait`
  return (findings.find(({ level }) => level === 'error') ?? findings[0])?.todo
}

function countsOf(counts: SubscriptionCounts) {
  const { desired, acknowledged, pending: missing, silent: stalled, rejected, quarantined } = counts
  return { coverage: coverageOf(counts), desired, acknowledged, missing, stalled, rejected: rejected + quarantined }
}

function activeOf(subscriptions: Sight['subscriptions']) {
  if (typeof subscriptions === 'string') return undefined
  return subscriptions.accounts.find(({ account }) => account === subscriptions.active)
}

function findingsOf(sight: Sight, bounds: Bounds, lagMs: number | undefined): Finding[] {
  const { feed, subscriptions, now } = sight
  if (healthOf(feed, now).state === 'Stopped') return []
  const key = keyOf(feed.metadata)
  const state = stateFinding(sight)
  if (typeof subscriptions === 'string') return [...state, ...unanswered(sight, subscriptions)]
  const counts = activeOf(subscriptions)?.counts
  if (!counts)
    return [...state, finding('answer', 'error', `no session of ${subscriptions.active} runs`, `feedctl describe feed ${key}`)]
  return [...state, ...countFindings(key, counts, bounds), ...lagFinding(key, lagMs, bounds)]
}

const levels: Record<State, Level> = {
  Stalled: 'error',
  NotReady: 'error',
  Degraded: 'warning',
  Progressing: 'warning',
  Unknown: 'warning',
  Suspended: 'warning',
  Stopped: 'ok',
  Ready: 'ok',
}

function stateFinding({ feed, now }: Sight): Finding[] {
  const { state, wrong, todo } = healthOf(feed, now)
  const level = levels[state]
  return level === 'ok' ? [] : [finding('state', level, `${state}: ${wrong}`, todo)]
}

/** A feed that is on its way may not answer yet; of any other one nobody knows anything. */
function unanswered({ feed, now }: Sight, why: string): Finding[] {
  const level = healthOf(feed, now).state === 'Progressing' ? 'warning' : 'error'
  return [finding('answer', level, why, `feedctl describe feed ${keyOf(feed.metadata)}`)]
}

function countFindings(key: string, counts: SubscriptionCounts, { threshold }: Bounds): Finding[] {
  const { desired, pending, silent, rejected, quarantined } = counts
  const coverage = coverageOf(counts)
  const refused = rejected + quarantined
  const look = `feedctl subscriptions ${key}`
  const found: [boolean, Finding][] = [
    [coverage < threshold, finding('coverage', 'error', `coverage ${percent(coverage)} of ${percent(threshold)}`, look)],
    [pending > 0, finding('missing', 'warning', `${pending} of ${desired} are not acknowledged yet`, look)],
    [
      refused > 0,
      finding('rejected', 'warning', `${refused} of ${desired} are refused by the front`, `${look}, and exclude what is over`),
    ],
    [
      silent > desired * (1 - threshold),
      finding('stalled', 'warning', `${silent} of ${desired} are silent in session`, `${look} --state silent`),
    ],
  ]
  return found.flatMap(([holds, one]) => (holds ? [one] : []))
}

function lagFinding(key: string, lagMs: number | undefined, { lagWarningMs, lagCriticalMs }: Bounds): Finding[] {
  if (lagMs === undefined || lagMs < lagWarningMs) return []
  const message = `no tick for ${renderSpan(lagMs)} of open session`
  return [finding('lag', lagMs < lagCriticalMs ? 'warning' : 'error', message, `feedctl events ${key}, feedctl calendar ${key}`)]
}

/** Open session since the newest tick: what came before this session began says nothing. */
function lagOf({ feed, calendar, now }: Sight): number | undefined {
  const { market, lastTickAt } = feed.status
  if (!market?.open) return undefined
  const began = calendar?.groups.flatMap(({ sessions }) => sessions.filter(({ opens, ends }) => opens <= now && now < ends)) ?? []
  const since = Math.max(
    lastTickAt === undefined ? 0 : Date.parse(lastTickAt),
    began.length > 0 ? Math.min(...began.map(({ begins }) => begins)) : 0,
  )
  return since === 0 ? undefined : Math.max(0, now - since)
}

/** Below the threshold refusals are asked for again, quarantined ones too; silence where it is a finding. */
function remedyOf(findings: Finding[], counts: SubscriptionCounts | undefined, bounds: Bounds): Remedy | undefined {
  const has = (check: Check) => findings.some(finding => finding.check === check)
  const { rejected, quarantined } = counts ?? { rejected: 0, quarantined: 0 }
  const isLow = has('coverage')
  if (!isLow && !has('stalled') && !has('lag')) return undefined
  const asked: [boolean, RetryRequest['states'][number]][] = [
    [isLow && rejected > 0, 'rejected'],
    [isLow && quarantined > 0, 'quarantined'],
    [has('stalled') || has('lag'), 'silent'],
  ]
  // The silence of all is noticed sooner than that of one.
  const silentAfterSeconds = has('lag')
    ? Math.min(bounds.silentAfterSeconds, bounds.lagWarningMs / 1000)
    : bounds.silentAfterSeconds
  return { states: asked.flatMap(([holds, state]) => (holds ? [state] : [])), silentAfterSeconds }
}

function isFailoverRequired({ feed, subscriptions }: Sight, { threshold }: Bounds, findings: Finding[]): boolean {
  if (feed.status.standby?.state !== 'live' || typeof subscriptions === 'string') return false
  const isError = (check: Check) => findings.some(finding => finding.check === check && finding.level === 'error')
  const other = subscriptions.accounts.find(({ account }) => account !== subscriptions.active)
  const isBetter = other !== undefined && coverageOf(other.counts) >= threshold
  return isError('lag') || (isError('coverage') && isBetter) || activeOf(subscriptions)?.state !== 'live'
}

function finding(check: Check, level: Finding['level'], message: string, todo: string): Finding {
  return { check, level, message, todo }
}
