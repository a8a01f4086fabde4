import type { SessionStatus } from '../../crds/contract/feedstatus.ts'

/** What the watchdog looks at. Silences are ms of open session. */
export type Watch = {
  enabled: boolean
  thresholdMs: number
  active: Pick<SessionStatus, 'state'> & { silenceMs: number }
  other: (Pick<SessionStatus, 'state' | 'lastTickAt'> & { silenceMs: number }) | undefined
  /** Silence of the active account at which it was last told to reconnect, since its last tick. */
  reconnectedAtMs: number | undefined
}

export type WatchdogStep = 'none' | 'reconnect' | 'flip'

/** Time that a reconnect gets before the gate moves, as a share of the threshold; the other account must have ticked within it. */
const patience = 0.5

/**
 * What to do about a silent account: first a new connection, then the other account, but only to one that is live and ticking.
 * A break, a night or a holiday is no silence, because only open session counts.
 */
export function watch({ enabled, thresholdMs, active, other, reconnectedAtMs }: Watch): WatchdogStep {
  if (!enabled || active.silenceMs < thresholdMs) return 'none'
  if (reconnectedAtMs === undefined && active.state === 'live') return 'reconnect'
  const hasTried = reconnectedAtMs === undefined || active.silenceMs - reconnectedAtMs >= thresholdMs * patience
  return hasTried && isBetter(other, thresholdMs) ? 'flip' : 'none'
}

function isBetter(other: Watch['other'], thresholdMs: number): boolean {
  return other?.state === 'live' && other.lastTickAt !== undefined && other.silenceMs < thresholdMs * patience
}
