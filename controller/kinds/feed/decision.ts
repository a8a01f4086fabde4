import type { Desired } from '../../../crds/contract/desired.ts'
import type { RetryRequest } from '../../../crds/contract/subscriptions.ts'
import type { FeedMemory } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import type { Violation } from './input.ts'
import type { Proof } from './proof.ts'

/** One write. Every step says why, and `feedctl diff` prints exactly these. */
export type Step = { reason: string } & (
  | { action: 'PullImage'; host: string; reference: string; attempt: string }
  | { action: 'Create'; host: string; container: string; revision: Revision; desired: Desired }
  | { action: 'Start'; host: string; container: string; desired: Desired }
  | { action: 'Stop'; host: string; container: string }
  | { action: 'Rename'; host: string; container: string; to: string }
  | { action: 'Remove'; host: string; container: string }
  | { action: 'Connect'; host: string; container: string }
  | { action: 'ReleaseNetwork'; host: string }
  | { action: 'Push'; host: string; container: string; endpoint: string; desired: Desired }
  | ({ action: 'MoveGate'; from: Seat | undefined } & Seat)
  | { action: 'Resubscribe'; container: string; endpoint: string; request: RetryRequest; token: string }
  | { action: 'RetryLogins'; container: string; endpoint: string; token: string }
)

/** A feed process that runs, and what it is to be told. */
export type Seat = { host: string; container: string; endpoint: string; desired: Desired }

/** `at` where it happened before this look, in ms since 1970. */
export type Note = { type: 'Normal' | 'Warning'; reason: string; message: string; at?: number }

/** Why the revision that is aimed at is not simply the declared one. */
export type Aim =
  | { why: 'declared' | 'pinned'; revision: Revision }
  | { why: 'held'; revision: Revision | undefined; violation: Violation }
  | { why: 'rolled-back'; revision: Revision | undefined; declared: Revision }

/** What a look at a feed came to. `memory` and `revisions` are persisted, in one transaction, before the first step. */
export type Decision = {
  aim: Aim | undefined
  memory: FeedMemory
  /** Revisions that are new or have changed. */
  revisions: Revision[]
  /** Numbers of the revisions that are forgotten. */
  forgotten: number[]
  steps: Step[]
  /** Told when the decision is persisted. */
  notes: Note[]
  /** Told when all steps have been carried out. */
  outcomes: Note[]
  proof: Proof | undefined
  /** Look again after so many ms although nothing is left to do now. */
  wakeMs: number | undefined
  /** The feed is no longer declared and nothing of it is left: it is forgotten after the steps. */
  gone: boolean
  /** The feed is no longer declared, and what is there of it is nobody's from now on. */
  orphaned?: true
}

/** A decision to do nothing, to build others from. */
export function idle(memory: FeedMemory, aim?: Aim): Decision {
  const nothing = { revisions: [], forgotten: [], steps: [], notes: [], outcomes: [] }
  return { aim, memory, ...nothing, proof: undefined, wakeMs: undefined, gone: false }
}

export const normal = (reason: string, message: string): Note => ({ type: 'Normal', reason, message })
export const warning = (reason: string, message: string): Note => ({ type: 'Warning', reason, message })
