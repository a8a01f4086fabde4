import type { FaultClass } from '../../../crds/contract/fault.ts'
import type { FeedMemory, Placement, Rollout } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { type Aim, type Decision, idle, type Step, warning } from './decision.ts'
import { type Holder, moveGate, silentMs } from './gatemove.ts'
import { handOver, type Writing } from './handover.ts'
import { type FeedInput, findReport, findRevision, findWorkload } from './input.ts'
import { loginsRetried } from './loginretry.ts'
import { leftOvers, mend, reconnect } from './repair.ts'
import { remembered } from './resubscription.ts'
import { forgetPush } from './untaken.ts'

/** How often a rollout that failed with nothing to go back to is looked at, in ms: it may yet prove itself. */
export const stuckIntervalMs = 5000

/** How often a way back that waits for something is looked at, in ms. */
const revertIntervalMs = 1000

/** Time that a process has to answer after it was started anew, in ms; a busy machine takes seconds to start one. */
const renewalMs = 30_000

export type Reason = { reason: string; message: string }

/** The revision failed: remember it, and bring the last good one back where there is one. */
export function fail(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision, cause: Reason): Decision {
  const { reason, message } = cause
  const stuck = idle({ ...input.memory, rollout: { ...rollout, failure: { reason, message } } }, aim)
  return told(hasWayBack(input, revision) ? fallBack(input, aim, rollout, revision, cause) : stuck, revision, cause)
}

/** The same, whatever the operator wants of rollbacks: nobody publishes but the last good one, or none. */
export function failBack(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision, cause: Reason): Decision {
  return told(fallBack(input, aim, rollout, revision, cause), revision, cause)
}

function told(decision: Decision, revision: Revision, { reason, message }: Reason): Decision {
  const failed: Revision = { ...revision, state: 'failed', reason: `${reason}: ${message}` }
  const notes = [warning('RolloutFailed', `revision ${revision.number}: ${reason}: ${message}`)]
  return { ...decision, revisions: [failed], notes, wakeMs: 0 }
}

/** Whether there is a good revision to go back to, and the operator wants that. */
export function hasWayBack({ memory, declared }: FeedInput, { number }: Revision): boolean {
  const { serving } = memory
  return serving !== undefined && serving.revision !== number && (declared?.resource.spec.rollout.autoRollback ?? true)
}

/** From here on the revision is not tried again until an input changes. */
export function fallBack(
  input: FeedInput,
  aim: Aim,
  rollout: Rollout,
  revision: Revision,
  { reason, message }: Reason,
): Decision {
  const failure = { revision: revision.number, inputsDigest: revision.inputsDigest, reason, message, at: input.now }
  const reverting: Rollout = { ...rollout, phase: 'reverting', phaseSince: input.now, failure: { reason, message } }
  return { ...idle({ ...input.memory, rollout: reverting, failure }, aim), wakeMs: 0 }
}

/**
 * `reverting`: the failed one goes, the last good one comes back: from its muted process, else from its stopped container, where that is
 * still there.
 */
export function revert(input: FeedInput, aim: Aim, rollout: Rollout): Decision {
  const { serving } = input.memory
  const good = findRevision(input, serving?.revision)
  if (!serving || !good) return { ...idle(withoutRollout(input), aim), wakeMs: 0 }
  const returning = returnGate(input, rollout, { placement: serving, revision: good })
  if (returning) return { ...idle(returning.memory, aim), steps: returning.steps, wakeMs: revertIntervalMs }
  const mending = mend(input, good, serving)
  const { memory, steps } = mending ?? handOver(input, good, serving)
  const removals = leftOvers(input, [serving.container])
  if (mending || steps.length + removals.length > 0)
    return { ...idle(memory, aim), steps: [...removals, ...steps], proof: mending?.waits, wakeMs: revertIntervalMs }
  if (!rollout.failure) return { ...idle(withoutRollout(input), aim), wakeMs: 0 }
  const text = `revision ${rollout.revision} failed (${rollout.failure?.reason}): revision ${good.number} serves again`
  return { ...idle(withoutRollout(input), aim), notes: [warning('RolledBack', text)], wakeMs: 0 }
}

/** After a handover that may have moved it: the gate goes back to the old process, which runs muted. `undefined` where it has it, or is gone. */
function returnGate(input: FeedInput, rollout: Rollout, good: Holder): Writing | undefined {
  const { container } = good.placement
  const successor = findRevision(input, rollout.revision)
  const report = findReport(input, container)
  const workload = findWorkload(input, container)
  if (!rollout.movesGate || !successor || workload?.state !== 'running') return undefined
  if (report?.role === 'publisher') return undefined
  if (workload.lostNetwork !== undefined) return reconnect(input, good.placement, workload.lostNetwork)
  if (!report && isSilent(rollout, input.now)) return renew(input, rollout, good.placement)
  const placement = { host: successor.snapshot.hostRef, container: rollout.container, revision: successor.number }
  const reason = `${container} publishes again: revision ${rollout.revision} ${rollout.failure?.reason ?? 'is no longer wanted'}`
  return moveGate(input, { placement, revision: successor }, good, rollout.phaseSince, reason)
}

/** One that was just started anew has not had the time to answer. */
function isSilent({ phaseSince, renewedAt }: Rollout, now: number): boolean {
  return renewedAt === undefined ? now - phaseSince >= silentMs : now - renewedAt >= renewalMs
}

function renew({ memory, now }: FeedInput, rollout: Rollout, { host, container }: Placement): Writing {
  const reason = `${container} shall publish again and does not answer: it is started anew`
  return { memory: { ...memory, rollout: { ...rollout, renewedAt: now } }, steps: [{ action: 'Stop', host, container, reason }] }
}

export function withoutRollout({ memory: { rollout: _done, ...rest } }: FeedInput): FeedMemory {
  return rest
}

type StepFault = { class: FaultClass; reason: string; message: string }

/**
 * The memory after a step ended: a rollout remembers how the steps on its own container fared, because that may be its failure. An engine
 * that nobody can reach says nothing about the revision.
 */
export function withOutcome(decided: FeedMemory, step: Step, fault: StepFault | undefined): FeedMemory {
  const memory = fault && step.action === 'Push' ? forgetPush(decided) : decided
  if (step.action === 'RetryLogins') return fault && fault.class !== 'stalled' ? memory : loginsRetried(memory, step.token)
  if (step.action === 'Resubscribe') return fault && fault.class !== 'stalled' ? memory : remembered(memory, step.token)
  if (step.action === 'ReleaseNetwork') return fault ? { ...memory, hosts: [...new Set([...memory.hosts, step.host])] } : memory
  const { rollout } = memory
  if (!rollout || rollout.failure || !('container' in step) || step.container !== rollout.container) return memory
  const { fault: before, ...rest } = rollout
  if (fault?.reason === 'EngineUnreachable') return memory
  if (!fault) return before ? { ...memory, rollout: rest } : memory
  const { phase } = rest
  // Pruned since it was found: it is looked for, and pulled, once more.
  const isPruned = fault.reason === 'ImageMissing' && (phase === 'replacing' || phase === 'starting')
  const next = { ...rest, fault: { class: fault.class, reason: fault.reason, message: fault.message } }
  return { ...memory, rollout: isPruned ? { ...next, phase: 'preparing' } : next }
}
