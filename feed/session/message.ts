import type { Account, InstrumentGroup, Launch, Live } from '../../crds/contract/desired.ts'
import type { SessionStatus } from '../../crds/contract/feedstatus.ts'
import type { AccountListing, RetryRequest, SubscriptionQuestion } from '../../crds/contract/subscriptions.ts'
import type { Gap, Tick } from '../../crds/contract/tick.ts'
import type { PublisherStatus } from '../publish/publisher.ts'
import type { Position } from './position.ts'

/** What the supervisor says to a session, over Node's IPC channel. Secrets are not among it: the session reads their files. */
export type ToSession =
  | { type: 'start'; start: SessionStart }
  | { type: 'instruments'; instrumentGroups: InstrumentGroup[] }
  | { type: 'rateLimits'; rateLimits: Live['rateLimits'] }
  /** `reason` is what a gap is put down to, where ticks are missing before the first one. */
  | { type: 'open'; id: number; epoch: number; position: Position; reason: 'Flip' | 'Restart' }
  /** `isDeposed`: another process publishes already, so what the bus has not taken yet is not sent any more. */
  | { type: 'close'; id: number; isDeposed: boolean }
  /** Instruments whose published ticks are to be sent as `ticks`; all where the list is empty, none where it is missing. */
  | { type: 'tap'; instruments?: string[] }
  /** A question about the subscriptions. */
  | { type: 'list'; id: number; question: SubscriptionQuestion }
  /** Asks the front again for the lines that the request names. */
  | { type: 'renew'; id: number; request: RetryRequest }
  | { type: 'reconnect'; reason: string }
  /** The desired state or a secret changed: a login that was given up may be tried again. */
  | { type: 'retry' }
  | { type: 'stop' }

export type SessionStart = {
  feed: string
  account: Account
  launch: Launch
  rateLimits: Live['rateLimits']
  instrumentGroups: InstrumentGroup[]
  /** The feed's directory, with `secrets/` in it. */
  directory: string
  dataDirectory: string
}

/**
 * Ten times a second: that the session runs its loop, and the newest fresh tick of each group. `at` is the session's clock, the one
 * that its receive times are of.
 */
export type Pulse = { at: number; ticks: [group: string, lastTickAt: number][] }

export type FromSession =
  | { type: 'pulse'; pulse: Pulse }
  | { type: 'report'; report: SessionReport }
  | { type: 'opened'; id: number; released: number; overrunCount: number }
  | { type: 'closed'; id: number; position: Position }
  | { type: 'listed'; id: number; listing: AccountListing }
  | { type: 'renewed'; id: number; asked: number }
  | { type: 'first'; epoch: number; at: number }
  | { type: 'checkpoint'; position: Position }
  | { type: 'ticks'; ticks: Tick[]; dropped: number }
  | { type: 'gap'; gap: Gap }
  | { type: 'event'; event: SessionEvent }

/** Messages that answer one of the supervisor's, by its `id`. */
export type Answer = Extract<FromSession, { type: 'opened' | 'closed' | 'listed' | 'renewed' }>

export type SessionEvent = {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  fields?: Record<string, string | number | boolean>
}

/** Once a second, and when the state changes. */
export type SessionReport = {
  status: Omit<SessionStatus, 'restarts' | 'ticksPerSecond'>
  epoch: number
  publisher: PublisherStatus
  counters: SessionCounters
  /** Resident set of the process. */
  memoryBytes: number
}

export type SessionCounters = {
  snapshots: number
  duplicates: number
  stale: number
  unknown: number
  reconnects: number
  rateLimitHits: number
  gaps: number
  /** Errors by what they are about: `connection`, `login`, `subscription`, `front`. */
  errors: Record<'connection' | 'login' | 'subscription' | 'front', number>
  /** From the start of connecting to the last acknowledgement, in ms; 0 before. */
  startupMs: number
}
