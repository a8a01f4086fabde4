import type { Placement, Rollout } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { type Aim, type Decision, idle, normal, type Step } from './decision.ts'
import { processReason, reasonFor } from './difference.ts'
import { fail, fallBack, hasWayBack, type Reason, revert, stuckIntervalMs, withoutRollout } from './failure.ts'
import { desiredFor, handOver, nextEpoch } from './handover.ts'
import { type FeedInput, findImage, findReport, findRevision, findWorkload, type ImageView } from './input.ts'
import { complete, deadlineMs, enter, lateness, minHealthyMs, proofIntervalMs } from './phase.ts'
import type { Proof } from './proof.ts'
import { lookAfterServing, mend, mendingDecision, proofFor, pullImage, stopOthers } from './repair.ts'
import { strategyNow, strategyOf } from './strategy.ts'
import { planSuccession, start } from './succession.ts'
import { isNameTaken, resumed, waitForName } from './taken.ts'
import { containerName, processDigest } from './workload.ts'

/** How often an image on its way is looked at, in ms; the end of a pull wakes the feed by itself. */
const pullIntervalMs = 1000

/** How old `seenAt` may be before it is written anew, and how long an absence must be to count as one, in ms. */
const seenEveryMs = 5000
const absenceMs = 15_000

/** The aimed-at revision does not serve yet: begin with it. Whatever was in progress for another one is superseded. */
export function beginRollout(input: FeedInput, aim: Aim, declared: Revision): Decision {
  const { serving, hosts } = input.memory
  const revision = carryImage(input, declared)
  const runs = serving && takesOver(input, serving, revision)
  const deadline = input.now + deadlineMs(input)
  const rollout: Rollout = {
    phase: runs ? 'proving' : 'preparing',
    revision: revision.number,
    container: runs ? serving.container : containerName(input.key, revision.number),
    ...{ startedAt: input.now, phaseSince: input.now, seenAt: input.now, deadline },
    reason: reasonFor(input, aim, revision),
    restartsBefore: (runs && findWorkload(input, serving.container)?.restarts) || 0,
  }
  const { strategy, reason } = strategyOf(input)
  const way = serving ? `; ${processReason(input, revision)}, by ${strategy}: ${reason}` : ''
  const text = `revision ${revision.number}: ${rollout.reason}${runs ? ', taken over by the running process' : way}`
  const memory = { ...input.memory, rollout, hosts: [...new Set([...hosts, revision.snapshot.hostRef])] }
  const next = { ...input, memory, revisions: mergeRevisions(input.revisions, [revision]) }
  const decision = planRollout(next, { ...aim, revision }, rollout)
  const notes = [normal('RolloutStarted', text), ...decision.notes]
  return { ...decision, revisions: mergeRevisions([revision], decision.revisions), notes }
}

/** Goes on with the rollout in progress: one phase after the other, each persisted before its first step. */
export function planRollout(input: FeedInput, aim: Aim, before: Rollout): Decision {
  const revision = findRevision(input, before.revision)
  if (!revision) return { ...idle(withoutRollout(input), aim), wakeMs: 0 }
  if (before.phase === 'reverting') return revert(input, aim, before)
  const rollout = seen(before, input.now)
  if (rollout.failure && hasWayBack(input, revision)) return fallBack(input, aim, rollout, revision, rollout.failure)
  if (!rollout.failure && rollout.fault?.class === 'stalled' && rollout.fault.reason !== 'NameTaken')
    return fail(input, aim, rollout, revision, rollout.fault)
  if (rollout.phase === 'preparing') return prepare(input, aim, rollout, revision)
  if (rollout.strategy === 'Handover') return planSuccession(input, aim, rollout, revision)
  if (rollout.phase === 'replacing') return replace(input, aim, rollout, revision)
  return prove(input, aim, rollout, revision)
}

/**
 * Time in which nobody could look (suspended, the engine or the controller away) does not count against the deadline; time in which a
 * step of the rollout failed does.
 */
function seen(rollout: Rollout, now: number): Rollout {
  const absent = now - rollout.seenAt
  if (rollout.failure || absent < seenEveryMs) return rollout
  const excused = absent > absenceMs && !rollout.fault ? absent : 0
  return { ...rollout, seenAt: now, deadline: rollout.deadline + excused }
}

/** `preparing`: the image must be there before anything that runs is touched; until then the last good revision is looked after. */
function prepare(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const image = findImage(input, revision)
  if (image.state === 'present')
    return takeImage(input, aim, rollout, { ...revision, imageDigest: revision.imageDigest ?? image.image.digest })
  const failure = rollout.failure ? undefined : imageFailure(input, rollout, revision, image)
  if (failure) return fail(input, aim, rollout, revision, failure)
  const { memory, steps } = lookAfterServing({ ...input, memory: { ...input.memory, rollout } })
  const wakeMs = rollout.failure ? stuckIntervalMs : pullIntervalMs
  return { ...idle(memory, aim), steps: [...steps, ...pullImage(input, revision, rollout.reason)], wakeMs }
}

function takeImage(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const at = { ...input, revisions: mergeRevisions(input.revisions, [revision]) }
  const { strategy: _before, ...plain } = rollout
  const { strategy, reason: strategyReason } = strategyNow(at)
  const next = { ...enter('replacing', plain, input.now, input.now + deadlineMs(input)), strategyReason }
  const decision =
    strategy === 'Handover'
      ? start(at, aim, { ...next, phase: 'starting', strategy: 'Handover' }, revision)
      : replace(at, aim, next, revision)
  return { ...decision, revisions: mergeRevisions([revision], decision.revisions) }
}

function imageFailure({ now }: FeedInput, { deadline }: Rollout, { snapshot }: Revision, image: ImageView): Reason | undefined {
  if (image.state === 'failed' && (image.fault.class === 'stalled' || now > deadline)) return image.fault
  return now > deadline ? { reason: 'ImagePullTimeout', message: `${snapshot.image} was not there in time` } : undefined
}

/** `replacing`: create the new one, stop what publishes, start the new one. */
function replace(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const { container } = rollout
  const host = revision.snapshot.hostRef
  const present = findWorkload(input, container)
  const isUp = present && present.state !== 'created' && present.state !== 'stopped'
  if (isUp && !isSpent(input, rollout, revision)) return settleIn(input, aim, rollout, revision)
  if (isNameTaken(input, container)) return waitForName(input, aim, rollout)
  if (rollout.waits) return replace(input, aim, resumed(input, rollout), revision)
  if (!rollout.failure && input.now > rollout.deadline) return fail(input, aim, rollout, revision, unstarted(rollout))
  if (rollout.failure) return waitStuck(input, aim, rollout)
  const memory = nextEpoch({ ...input, memory: { ...input.memory, rollout } })
  const desired = desiredFor(input, revision, memory.epoch)
  const reason = `${container} takes over: ${rollout.reason}`
  const debris: Step[] = present ? [{ action: 'Remove', host, container, reason: `${container} was left in the making` }] : []
  const create: Step = { action: 'Create', host, container, revision, desired, reason }
  const start: Step = { action: 'Start', host, container, desired, reason }
  return {
    ...idle(memory, aim),
    steps: [...debris, create, ...muteServing(input, memory.epoch, reason), ...stopOthers(input, container), start],
    wakeMs: 0,
  }
}

/**
 * The old one closes its gate in the new epoch before it is stopped. Where its watchdog has moved the gate since we looked, it refuses, and
 * the next look sees the epoch that it took: two publishers never share one.
 */
function muteServing(input: FeedInput, epoch: number, reason: string): Step[] {
  const { serving } = input.memory
  const revision = findRevision(input, serving?.revision)
  const endpoint = serving && findWorkload(input, serving.container)?.endpoint
  if (!serving || !revision || !endpoint || findReport(input, serving.container)?.role !== 'publisher') return []
  const { host, container } = serving
  return [{ action: 'Push', host, container, endpoint, desired: desiredFor(input, revision, epoch, 'standby'), reason }]
}

/** A container of an earlier try that has shown that it does not work: a new try takes a new one. */
function isSpent(input: FeedInput, { container, phaseSince }: Rollout, revision: Revision): boolean {
  return phaseSince === input.now && proofFor(input, revision, { container }).state === 'refuted'
}

const unstarted = ({ container, fault }: Rollout): Reason =>
  fault ?? { reason: 'ProgressDeadlineExceeded', message: `${container} could not be started in time` }

/** Nothing more is tried until an input changes; what serves still is handed what it needs. */
function waitStuck(input: FeedInput, aim: Aim, rollout: Rollout): Decision {
  const { serving } = input.memory
  const memory = { ...input.memory, rollout }
  const good = findRevision(input, serving?.revision)
  const handed = serving && good ? handOver({ ...input, memory }, good, serving) : { memory, steps: [] }
  return { ...idle(handed.memory, aim), steps: handed.steps, wakeMs: stuckIntervalMs }
}

/** The new one runs: it must now prove itself. */
function settleIn(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  return prove(input, aim, enter('proving', rollout, input.now, input.now + deadlineMs(input)), revision)
}

/** `proving` and `settling`: data first, then a while of it. */
function prove(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const placement: Placement = { host: revision.snapshot.hostRef, container: rollout.container, revision: revision.number }
  const at = { ...input, memory: { ...input.memory, rollout } }
  const isLate = input.now > rollout.deadline && !rollout.failure
  const wakeMs = rollout.failure ? stuckIntervalMs : proofIntervalMs
  const others = stopOthers(input, rollout.container)
  const mending = mend(at, revision, placement) ?? (others.length > 0 ? { memory: at.memory, steps: others } : undefined)
  if (mending && !isLate) return { ...mendingDecision(mending, aim), wakeMs }
  const handed = handOver(at, revision, placement)
  const proof = handed.untaken ?? proofFor(input, revision, placement, rollout.restartsBefore)
  const decision: Decision = { ...idle(handed.memory, aim), steps: handed.steps, proof, wakeMs }
  const isHanded = handed.steps.length === 0 && !handed.untaken
  if (!isHanded && !isLate) return decision
  if (isHanded && proof.state === 'proven') return settle(decision, input, rollout, revision, placement)
  if (rollout.failure) return decision
  if (isHanded && proof.state === 'refuted') return fail(input, aim, rollout, revision, proof)
  if (isLate) return fail(input, aim, rollout, revision, lateness(input, rollout, isHanded || handed.untaken ? proof : unhanded))
  return rollout.phase === 'settling' ? unsettle(decision, input, rollout) : decision
}

/** What runs may be proven by what it was told before. */
const unhanded: Proof = { state: 'pending', reason: 'NotAnswering', message: 'the feed has not taken the revision over' }

function settle(decision: Decision, input: FeedInput, rollout: Rollout, revision: Revision, placement: Placement): Decision {
  const { memory, proof } = decision
  if (rollout.phase !== 'settling') {
    const settling = enter('settling', rollout, input.now, rollout.deadline)
    const note = normal('Proven', `revision ${revision.number} shows live data: ${proof?.message}`)
    return { ...decision, memory: { ...memory, rollout: settling }, notes: [note], wakeMs: proofIntervalMs }
  }
  if (input.now - rollout.phaseSince < minHealthyMs(input)) return decision
  return complete(decision, revision, placement)
}

/** It must stay good for `minHealthy` without a break: what wavers proves itself anew, before the same deadline. */
function unsettle(decision: Decision, input: FeedInput, rollout: Rollout): Decision {
  const proving = enter('proving', rollout, input.now, rollout.deadline)
  return { ...decision, memory: { ...decision.memory, rollout: proving } }
}

/** Whether the process that serves can take the revision over without a restart. */
function takesOver(input: FeedInput, serving: Placement, revision: Revision): boolean {
  const current = findRevision(input, serving.revision)
  const isThere = findWorkload(input, serving.container) !== undefined
  return current !== undefined && isThere && processDigest(current) === processDigest(revision)
}

/** The same reference as the revision before means the same image, wherever its tag has moved since; `Always` asks again. */
function carryImage(input: FeedInput, revision: Revision): Revision {
  const current = findRevision(input, input.memory.serving?.revision)
  const same = current?.snapshot.image === revision.snapshot.image && current.snapshot.hostRef === revision.snapshot.hostRef
  if (revision.imageDigest !== undefined || !same || input.declared?.resource.spec.imagePullPolicy === 'Always') return revision
  return { ...revision, imageDigest: current.imageDigest }
}

function mergeRevisions(first: Revision[], second: Revision[]): Revision[] {
  return [...first.filter(({ number }) => !second.some(other => other.number === number)), ...second].sort(
    (a, b) => a.number - b.number,
  )
}
