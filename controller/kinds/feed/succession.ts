import type { Placement, Rollout } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { type Aim, type Decision, idle, normal, type Step } from './decision.ts'
import { fail, failBack, hasWayBack, stuckIntervalMs } from './failure.ts'
import { moveGate, silentMs } from './gatemove.ts'
import { desiredFor, handOver, handOverMuted } from './handover.ts'
import { type FeedInput, findReport, findRevision, findWorkload, isRunning } from './input.ts'
import { complete, deadlineMs, enter, lateness, minHealthyMs, proofIntervalMs } from './phase.ts'
import { type Proof, worseStandby } from './proof.ts'
import { leftOvers, lookAfterServing, mend, mendingDecision, proofFor } from './repair.ts'
import { isNameTaken, resumed, waitForName } from './taken.ts'

/** The phases of a handover, from the muted start of the new process to the end of the old one. */
export function planSuccession(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  if (rollout.phase === 'starting') return start(input, aim, rollout, revision)
  if (rollout.phase === 'rehearsing') return rehearse(input, aim, rollout, revision)
  if (rollout.phase === 'promoting') return promote(input, aim, rollout, revision)
  return settle(input, aim, rollout, revision)
}

/** `starting`: the new one is created and started, muted, beside the old one, which publishes and is looked after. */
export function start(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const { container, phaseSince } = rollout
  const host = revision.snapshot.hostRef
  const present = findWorkload(input, container)
  const isEntered = phaseSince === input.now
  if (isRunning(present) && !isEntered)
    return rehearse(input, aim, enter('rehearsing', rollout, input.now, input.now + deadlineMs(input)), revision)
  if (isNameTaken(input, container)) return waitForName(input, aim, rollout)
  if (rollout.waits) return start(input, aim, resumed(input, rollout), revision)
  const cared = lookAfterServing({ ...input, memory: { ...input.memory, rollout } })
  const isLate = input.now > rollout.deadline
  if (!rollout.failure && isLate) return fail(input, aim, rollout, revision, lateness(input, rollout, unstarted(container)))
  if (rollout.failure) return { ...idle(cared.memory, aim), steps: cared.steps, wakeMs: stuckIntervalMs }
  const desired = desiredFor(input, revision, cared.memory.epoch, 'standby')
  const reason = `${container} starts beside ${input.memory.serving?.container}, muted: ${rollout.reason}`
  const debris: Step[] = present ? [{ action: 'Remove', host, container, reason: `${container} is of an earlier try` }] : []
  const create: Step = { action: 'Create', host, container, revision, desired, reason }
  const starting: Step = { action: 'Start', host, container, desired, reason }
  return {
    ...idle(cared.memory, aim),
    steps: [...cared.steps, ...others(input, rollout), ...debris, create, starting],
    wakeMs: 0,
  }
}

/** `rehearsing`: the new one must show live data, muted. What publishes is looked after, and never notices. */
function rehearse(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const placement = placementOf(rollout, revision)
  const isLate = input.now > rollout.deadline && !rollout.failure
  if (!isLate && !isMuted(input, rollout))
    return start(input, aim, enter('starting', rollout, input.now, rollout.deadline), revision)
  const cared = lookAfterServing({ ...input, memory: { ...input.memory, rollout } })
  const tuned = handOverMuted({ ...input, memory: cared.memory }, revision, placement)
  const steps = [...cared.steps, ...others(input, rollout), ...tuned.steps]
  const proof = tuned.untaken ?? rehearsalProof(input, revision, rollout)
  const wakeMs = rollout.failure ? stuckIntervalMs : proofIntervalMs
  const decision: Decision = { ...idle(tuned.memory, aim), steps, proof, wakeMs }
  if (isLate) return fail(input, aim, rollout, revision, lateness(input, rollout, proof))
  if (steps.length > 0) return decision
  if (proof.state === 'proven') return beginPromotion(input, aim, rollout, revision, proof)
  if (proof.state === 'refuted' && !rollout.failure) return fail(input, aim, rollout, revision, proof)
  return decision
}

function rehearsalProof(input: FeedInput, revision: Revision, { container, restartsBefore }: Rollout): Proof {
  const { serving } = input.memory
  const proof = proofFor(input, revision, { container }, restartsBefore)
  const next = findReport(input, container)
  const present = serving && findReport(input, serving.container)
  return (proof.state === 'proven' && next && present && worseStandby(next, present)) || proof
}

/** What an overtaken handover has left: there are two of a feed at the most. */
function others(input: FeedInput, { container }: Rollout): Step[] {
  return leftOvers(input, [container, input.memory.serving?.container ?? container])
}

/** It is there and, as far as it says, muted. */
function isMuted(input: FeedInput, { container }: Rollout): boolean {
  return isRunning(findWorkload(input, container)) && findReport(input, container)?.role !== 'publisher'
}

function beginPromotion(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision, proof: Proof): Decision {
  const promoting: Rollout = { ...enter('promoting', rollout, input.now, input.now + deadlineMs(input)), movesGate: true }
  const decision = promote(input, aim, promoting, revision)
  const note = normal('ProvenMuted', `revision ${revision.number} shows live data, muted: ${proof.message}`)
  return { ...decision, notes: [note, ...decision.notes] }
}

/** `promoting`: the gate moves. Until the old one is known to have closed it, a new one that falters proves itself anew. */
function promote(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const at = { ...input, memory: { ...input.memory, rollout } }
  const { serving } = input.memory
  const old = findRevision(input, serving?.revision)
  const placement = placementOf(rollout, revision)
  const proof = proofFor(input, revision, placement, rollout.restartsBefore)
  if (findReport(input, placement.container)?.role === 'publisher')
    return settle(input, aim, enter('settling', rollout, input.now, input.now + deadlineMs(input)), revision)
  if (proof.state !== 'proven') return falter(input, aim, rollout, revision, proof)
  if (!serving || !old) return idle(at.memory, aim)
  const reason = `${placement.container} publishes in place of ${serving.container}: ${rollout.reason}`
  const { memory, steps } = moveGate(
    at,
    { placement: serving, revision: old },
    { placement, revision },
    rollout.phaseSince,
    reason,
  )
  return { ...idle(memory, aim), steps, proof, wakeMs: proofIntervalMs }
}

function falter(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision, proof: Proof): Decision {
  const { movesGate: _unmoved, ...unmoved } = rollout
  const old = input.memory.serving && findReport(input, input.memory.serving.container)
  if (old?.role === 'publisher') return rehearse(input, aim, enter('rehearsing', unmoved, input.now, rollout.deadline), revision)
  return failBack(input, aim, rollout, revision, { reason: 'PromotionFailed', message: `${proof.reason}: ${proof.message}` })
}

/** `settling`: it publishes, and must stay good for `minHealthy`; the old one runs on, muted, and takes the gate back where it does not. */
function settle(input: FeedInput, aim: Aim, before: Rollout, revision: Revision): Decision {
  const placement = placementOf(before, revision)
  const rollout = withSilence(before, input)
  const { memory, steps, untaken } = handOver({ ...input, memory: { ...input.memory, rollout } }, revision, placement)
  const proof = untaken ?? proofFor(input, revision, placement, rollout.restartsBefore)
  const wakeMs = rollout.failure ? stuckIntervalMs : proofIntervalMs
  const decision: Decision = { ...idle(memory, aim), steps, proof, wakeMs }
  const loss = rollout.failure ? undefined : lossOf(input, rollout, proof)
  if (loss && hasWayBack(input, revision)) return fail(input, aim, rollout, revision, loss)
  const mending = (loss ?? rollout.failure) ? mend({ ...input, memory }, revision, placement) : undefined
  if (mending) return { ...mendingDecision(mending, aim), wakeMs }
  if (steps.length > 0) return decision
  if (proof.state === 'proven')
    return input.now - rollout.phaseSince >= minHealthyMs(input) ? complete(decision, revision, placement) : decision
  if (!rollout.failure && input.now > rollout.deadline)
    return fail(input, aim, rollout, revision, lateness(input, rollout, proof))
  // It must stay good without a break: what wavers begins anew, before the same deadline.
  return { ...decision, memory: { ...memory, rollout: { ...rollout, phaseSince: input.now } } }
}

function withSilence({ silentSince = Number.NaN, ...rollout }: Rollout, input: FeedInput): Rollout {
  if (findReport(input, rollout.container)) return rollout
  return { ...rollout, silentSince: Number.isNaN(silentSince) ? input.now : silentSince }
}

/** What ends a successor before its deadline: with the old one muted beside it, nobody has to wait for one that has gone. */
function lossOf(input: FeedInput, { container, silentSince = input.now }: Rollout, proof: Proof) {
  if (proof.state === 'refuted') return proof
  const workload = findWorkload(input, container)
  if (workload?.state === 'running' && input.now - silentSince <= silentMs) return undefined
  return { reason: 'SuccessorLost', message: `${container} published, and is gone: ${proof.reason}: ${proof.message}` }
}

const placementOf = ({ container }: Rollout, { number, snapshot }: Revision): Placement => ({
  host: snapshot.hostRef,
  container,
  revision: number,
})

const unstarted = (container: string): Proof => ({
  state: 'pending',
  reason: 'NotRunning',
  message: `${container} could not be started`,
})
