import type { Account } from '../../crds/contract/desired.ts'
import type { SessionState } from '../../crds/contract/feedstatus.ts'
import { minCoverage } from './readiness.ts'

/** A group of instruments in continuous trading. Silences are ms of the present window of trading, see `silenceOf`. */
export type GroupSight = {
  group: string
  silenceMs: Partial<Record<Account, number>>
  /** Receive time of the newest fresh tick. */
  lastTickAt: Partial<Record<Account, number>>
  /** The account that has had ticks which the other has not, for longer than accounts differ (`leadMsOf`). */
  leader: Account | undefined
}

/** An account, as the watchdog sees it. */
export type Seat = {
  account: Account
  state: SessionState
  /** The front refuses it for good, after it has ticked. */
  isRefused: boolean
  coverage: number
  /** Silence at which it was last told to reconnect, since it was last in order. */
  reconnectedAtMs: number | undefined
}

export type Watch = {
  enabled: boolean
  thresholdMs: number
  active: Seat
  other: Seat | undefined
  /** Those in continuous trading: a group at lunch is not among them. */
  groups: GroupSight[]
  /** Time since the watchdog moved the gate; `undefined` where it has not. */
  flippedAgoMs: number | undefined
}

export type Decision =
  | { type: 'reconnect'; account: Account; sight: GroupSight }
  | { type: 'flip'; to: Account; sight: GroupSight }
  /** A flip that would be made, were it not for `why`. */
  | { type: 'held'; sight: GroupSight; why: string }
  /** A group of which neither account has ticks. */
  | { type: 'silent'; sight: GroupSight }

/** Share of the threshold at which the active account gets a new connection, so that the flip comes at the threshold. */
const reconnectShare = 0.5

/** The other account's newest tick of a group must be younger than this share of the threshold. */
const freshShare = 0.5

/** Thresholds between two flips of the watchdog: two accounts that fail in turn must not make the gate flap. */
export const holdOffThresholds = 2

/** What the accounts' newest ticks of a group may differ by, for so long, without one of them being behind: a second, or less for short thresholds. */
export function leadMsOf(thresholdMs: number): number {
  return Math.min(1000, thresholdMs / 4)
}

/**
 * What to do about silence. The other account is the evidence: a group of which it has ticks is stalled, one of which it has none is just quiet.
 *
 * - Stalled for half the threshold: the active account reconnects.
 * - Stalled for the threshold: the gate moves, but only to an account that is live, covers no less, is behind in no group, and not
 *   sooner than `holdOffThresholds` after the last time.
 * - Every group silent for the threshold and nobody to compare with: the active account reconnects.
 * - A standby that is behind for the threshold reconnects too, or there would be no way back.
 *
 * An account reconnects again each time its silence has doubled.
 */
export function decide(seen: Watch): Decision[] {
  if (!seen.enabled || seen.groups.length === 0) return []
  return [...decideActive(seen), ...decideStandby(seen)]
}

function decideActive(seen: Watch): Decision[] {
  const { active, other, thresholdMs, groups } = seen
  const silence = (sight: GroupSight): number => sight.silenceMs[active.account] ?? 0
  const behind = groups.filter(sight => isAhead(sight, other, thresholdMs))
  const worst = longest(behind, silence)
  const decisions: Decision[] = []
  if (worst !== undefined && other !== undefined && silence(worst) >= (active.isRefused ? 0 : thresholdMs)) {
    const why = obstacle(seen, other)
    if (why === undefined) return [{ type: 'flip', to: other.account, sight: worst }]
    decisions.push({ type: 'held', sight: worst, why })
  }
  const quiet = groups.filter(sight => !behind.includes(sight) && silence(sight) >= thresholdMs)
  const isDead = quiet.length === groups.length
  const cause = isDead ? longest(quiet, silence) : worst
  if (cause !== undefined && isDue(active, silence(cause), thresholdMs * (isDead ? 1 : reconnectShare)))
    decisions.push({ type: 'reconnect', account: active.account, sight: cause })
  if (!isDead) decisions.push(...quiet.map(sight => ({ type: 'silent', sight }) as const))
  return decisions
}

function decideStandby({ active, other, thresholdMs, groups }: Watch): Decision[] {
  if (other === undefined) return []
  const silence = (sight: GroupSight): number => sight.silenceMs[other.account] ?? 0
  const worst = longest(
    groups.filter(({ leader }) => leader === active.account),
    silence,
  )
  if (worst === undefined || !isDue(other, silence(worst), thresholdMs)) return []
  return [{ type: 'reconnect', account: other.account, sight: worst }]
}

function obstacle({ active, thresholdMs, groups, flippedAgoMs }: Watch, other: Seat): string | undefined {
  if (other.state !== 'live') return `${other.account} is ${other.state}`
  if (other.coverage < Math.min(active.coverage, minCoverage)) return `${other.account} covers less`
  const worse = groups.find(sight => sight.leader === active.account && !isFresh(sight, other.account, thresholdMs))
  if (worse !== undefined) return `${other.account} is silent in ${worse.group}`
  const holdOffMs = thresholdMs * holdOffThresholds
  if (flippedAgoMs !== undefined && flippedAgoMs < holdOffMs) return `the last flip is less than ${holdOffMs / 1000} s ago`
  return undefined
}

function isAhead(sight: GroupSight, other: Seat | undefined, thresholdMs: number): boolean {
  return other !== undefined && sight.leader === other.account && isFresh(sight, other.account, thresholdMs)
}

function isFresh({ silenceMs }: GroupSight, account: Account, thresholdMs: number): boolean {
  return (silenceMs[account] ?? Number.POSITIVE_INFINITY) < thresholdMs * freshShare
}

function isDue({ state, reconnectedAtMs }: Seat, silenceMs: number, fromMs: number): boolean {
  return state === 'live' && silenceMs >= (reconnectedAtMs === undefined ? fromMs : reconnectedAtMs * 2)
}

function longest(sights: GroupSight[], silence: (sight: GroupSight) => number): GroupSight | undefined {
  return sights.reduce<GroupSight | undefined>((a, b) => (a === undefined || silence(b) > silence(a) ? b : a), undefined)
}
