import { millisecondsOf } from '../../runtime/duration.ts'
import type { Placement, Rollout } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { type Decision, idle, normal } from './decision.ts'
import type { Reason } from './failure.ts'
import type { FeedInput } from './input.ts'
import type { Proof } from './proof.ts'

/** How often a rollout in progress is looked at, in ms. */
export const proofIntervalMs = 250

/** A phase begins with a clean record: what failed before it did not keep it from coming here. */
export function enter(phase: Rollout['phase'], rollout: Rollout, now: number, deadline: number): Rollout {
  return { ...withoutFailure(rollout), phase, phaseSince: now, deadline }
}

export function withoutFailure({ failure: _failure, fault: _fault, ...rollout }: Rollout): Rollout {
  return rollout
}

/** The rollout is over: its revision is good, and serves. */
export function complete({ memory, proof, aim }: Decision, revision: Revision, placement: Placement): Decision {
  const { rollout: _done, failure: _old, ...rest } = memory
  return {
    ...idle({ ...rest, serving: placement }, aim),
    proof,
    revisions: [{ ...revision, state: 'good', reason: undefined }],
    notes: [normal('RolloutComplete', `revision ${revision.number} serves`)],
    wakeMs: 0,
  }
}

/** The cause keeps its own reason in the message: that is what an operator looks up. */
export function lateness(input: FeedInput, { fault }: Rollout, proof: Proof): Reason {
  const within = input.declared?.resource.spec.rollout.progressDeadline
  const { reason, message } = fault ?? proof
  return { reason: 'ProgressDeadlineExceeded', message: `not proven within ${within}: ${reason}: ${message}` }
}

export function deadlineMs(input: FeedInput): number {
  return millisecondsOf(input.declared?.resource.spec.rollout.progressDeadline ?? '120s')
}

export function minHealthyMs(input: FeedInput): number {
  return millisecondsOf(input.declared?.resource.spec.rollout.minHealthy ?? '10s')
}
