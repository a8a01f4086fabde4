import type { Placement, Rollout } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { type Aim, type Decision, idle, normal, type Step, warning } from './decision.ts'
import { type FeedInput, findReport, findRevision, findWorkload } from './input.ts'
import { type Proof, proofOf } from './proof.ts'
import { desiredFor, handOver, leftOvers, type Mending, mend, minCoverageOf, nextEpoch, pullImage } from './repair.ts'
import { containerName, millisecondsOf, processDigest } from './workload.ts'

/** How often a rollout in progress is looked at, in ms. */
const proofIntervalMs = 250

/** How often an image on its way is looked at, in ms; the end of a pull wakes the feed by itself. */
const pullIntervalMs = 1000

/** How often a rollout that failed with nothing to go back to is looked at, in ms: it may yet prove itself. */
const stuckIntervalMs = 5000

/** The aimed-at revision does not serve yet: begin with it. Whatever was in progress for another one is superseded. */
export function beginRollout(input: FeedInput, aim: Aim, revision: Revision): Decision {
  const { serving } = input.memory
  const inPlace = serving && takesOver(input, serving, revision)
  const rollout: Rollout = {
    phase: inPlace ? 'proving' : 'preparing',
    revision: revision.number,
    container: inPlace ? serving.container : containerName(input.key, revision.number),
    startedAt: input.now,
    phaseSince: input.now,
    deadline: input.now + deadlineMs(input),
    reason: reasonFor(input, aim, revision),
  }
  const carried = carryImage(input, revision)
  const begun = normal(
    'RolloutStarted',
    `revision ${revision.number}: ${rollout.reason}${inPlace ? ', taken over by the running process' : ''}`,
  )
  const next = { ...input, memory: { ...input.memory, rollout }, revisions: withRevision(input, carried) }
  const decision = planRollout(next, { ...aim, revision: carried }, rollout)
  return { ...decision, revisions: mergeRevisions([carried], decision.revisions), notes: [begun, ...decision.notes] }
}

/** Goes on with the rollout in progress: one phase after the other, each persisted before its first step. */
export function planRollout(input: FeedInput, aim: Aim, rollout: Rollout): Decision {
  const revision = findRevision(input, rollout.revision)
  if (!revision) return { ...idle(withoutRollout(input), aim), wakeMs: 0 }
  if (rollout.phase === 'preparing') return prepare(input, aim, rollout, revision)
  if (rollout.phase === 'replacing') return replace(input, aim, rollout, revision)
  if (rollout.phase === 'reverting') return revert(input, aim, rollout)
  return prove(input, aim, rollout, revision)
}

/** `preparing`: the image must be there before anything that runs is touched; until then the last good revision is looked after. */
function prepare(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const { image, now } = input
  const memory = { ...input.memory, rollout }
  if (image.state === 'present') {
    const resolved = { ...revision, imageDigest: revision.imageDigest ?? image.image.digest }
    const ready: Rollout = { ...rollout, phase: 'replacing', phaseSince: now }
    const decision = replace({ ...input, revisions: withRevision(input, resolved) }, aim, ready, resolved)
    return { ...decision, revisions: mergeRevisions([resolved], decision.revisions) }
  }
  const hopeless = image.state === 'failed' && image.fault.class === 'stalled'
  if (image.state === 'failed' && (hopeless || now > rollout.deadline)) return fail(input, aim, rollout, revision, image.fault)
  if (now > rollout.deadline)
    return fail(input, aim, rollout, revision, {
      reason: 'ImagePullTimeout',
      message: `${revision.snapshot.image} was not there in time`,
    })
  const { steps, memory: next } = lookAfterServing({ ...input, memory })
  return { ...idle(next, aim), steps: [...steps, ...pullImage(input, revision, rollout.reason)], wakeMs: pullIntervalMs }
}

/** A failover must not wait for an image. */
function lookAfterServing(input: FeedInput): Mending {
  const { serving } = input.memory
  const revision = findRevision(input, serving?.revision)
  return serving && revision ? handOver(input, revision, serving) : { memory: input.memory, steps: [] }
}

/** `replacing`: create the new one, stop what publishes, start the new one. */
function replace(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const host = revision.snapshot.hostRef
  const { container } = rollout
  const stranger = input.engines.get(host)?.stranger
  if (stranger)
    return fail(input, aim, rollout, revision, {
      reason: 'NameTaken',
      message: `${stranger.name} belongs to somebody else: rename or remove it`,
    })
  const present = findWorkload(input, container)
  if (present && present.state !== 'created' && present.state !== 'stopped') return settleIn(input, aim, rollout, revision)
  const memory = nextEpoch({ ...input.memory, rollout })
  const desired = desiredFor(input, revision, memory.epoch)
  const reason = `${container} takes over: ${rollout.reason}`
  const steps: Step[] = []
  if (present) steps.push({ action: 'Remove', host, container, reason: `${container} was left in the making` })
  steps.push({ action: 'Create', host, container, revision, desired, reason })
  for (const step of running(input, container)) steps.push({ ...step, action: 'Stop', reason: `${container} takes its place` })
  steps.push({ action: 'Start', host, container, desired, reason })
  return { ...idle(memory, aim), steps, wakeMs: 0 }
}

/** The new one runs: it must now prove itself. */
function settleIn(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const proving: Rollout = { ...rollout, phase: 'proving', phaseSince: input.now, deadline: input.now + deadlineMs(input) }
  return prove(input, aim, proving, revision)
}

/** `proving` and `settling`: data first, then a while of it. */
function prove(input: FeedInput, aim: Aim, rollout: Rollout, revision: Revision): Decision {
  const placement: Placement = { host: revision.snapshot.hostRef, container: rollout.container, revision: revision.number }
  const memory = { ...input.memory, rollout }
  const mended = mend({ ...input, memory }, revision, placement)
  if (mended && input.now <= rollout.deadline)
    return {
      ...idle(mended.memory, aim),
      steps: mended.steps,
      notes: mended.steps.map(step => warning('Repaired', step.reason)),
      wakeMs: proofIntervalMs,
    }
  const handed = handOver({ ...input, memory }, revision, placement)
  const proof = proofOf(findWorkload(input, rollout.container), findReport(input, rollout.container), minCoverageOf(input))
  const decision: Decision = { ...idle(handed.memory, aim), steps: handed.steps, proof, wakeMs: proofIntervalMs }
  if (handed.steps.length > 0) return decision
  if (proof.state === 'proven') return settle(decision, input, aim, rollout, revision, placement)
  if (proof.state === 'refuted') return fail(input, aim, rollout, revision, proof)
  if (input.now > rollout.deadline)
    return fail(input, aim, rollout, revision, { reason: 'ProgressDeadlineExceeded', message: lateMessage(input, proof) })
  return decision
}

function settle(
  decision: Decision,
  input: FeedInput,
  aim: Aim,
  rollout: Rollout,
  revision: Revision,
  placement: Placement,
): Decision {
  const { memory, proof } = decision
  if (rollout.phase !== 'settling') {
    const settling: Rollout = { ...rollout, phase: 'settling', phaseSince: input.now }
    const note = normal('Proven', `revision ${revision.number} shows live data: ${proof?.message}`)
    return { ...decision, memory: { ...memory, rollout: settling }, notes: [note] }
  }
  if (input.now - rollout.phaseSince < minHealthyMs(input)) return decision
  const { rollout: _done, failure: _old, ...rest } = memory
  return {
    ...idle({ ...rest, serving: placement }, aim),
    proof,
    revisions: [{ ...revision, state: 'good', reason: undefined }],
    steps: leftOvers(input, [placement.container]),
    notes: [normal('RolloutComplete', `revision ${revision.number} serves`)],
  }
}

/** The revision failed: remember it, and bring the last good one back where there is one. */
function fail(
  input: FeedInput,
  aim: Aim,
  rollout: Rollout,
  revision: Revision,
  { reason, message }: { reason: string; message: string },
): Decision {
  const { serving } = input.memory
  const failure = { revision: revision.number, inputsDigest: revision.inputsDigest, reason, message, at: input.now }
  const known = rollout.failure?.reason === reason
  const notes = known ? [] : [warning('RolloutFailed', `revision ${revision.number}: ${reason}: ${message}`)]
  const failed: Revision = { ...revision, state: 'failed', reason: `${reason}: ${message}` }
  const back = serving && serving.revision !== revision.number && input.declared?.resource.spec.rollout.autoRollback
  if (!back) {
    const stuck: Rollout = { ...rollout, failure: { reason, message } }
    return {
      ...idle({ ...input.memory, rollout: stuck }, aim),
      revisions: known ? [] : [failed],
      notes,
      proof: { state: 'refuted', reason, message },
      wakeMs: stuckIntervalMs,
    }
  }
  const reverting: Rollout = { ...rollout, phase: 'reverting', phaseSince: input.now, failure: { reason, message } }
  return { ...idle({ ...input.memory, rollout: reverting, failure }, aim), revisions: [failed], notes, wakeMs: 0 }
}

/** `reverting`: the failed one goes, the last good one comes back, from its stopped container where that is still there. */
function revert(input: FeedInput, aim: Aim, rollout: Rollout): Decision {
  const { serving } = input.memory
  const good = findRevision(input, serving?.revision)
  if (!serving || !good) return { ...idle(withoutRollout(input), aim), wakeMs: 0 }
  const steps = leftOvers(input, [serving.container])
  const mended = mend(input, good, serving)
  if (steps.length + (mended?.steps.length ?? 0) > 0)
    return { ...idle(mended?.memory ?? input.memory, aim), steps: [...steps, ...(mended?.steps ?? [])], wakeMs: 0 }
  const note = warning(
    'RolledBack',
    `revision ${rollout.revision} failed (${rollout.failure?.reason}): revision ${good.number} serves again`,
  )
  return { ...idle(withoutRollout(input), aim), notes: [note], wakeMs: 0 }
}

function withoutRollout({ memory: { rollout: _done, ...rest } }: FeedInput) {
  return rest
}

/** Whether the process that serves can take the revision over without a restart. */
function takesOver(input: FeedInput, serving: Placement, revision: Revision): boolean {
  const current = findRevision(input, serving.revision)
  return (
    current !== undefined &&
    findWorkload(input, serving.container) !== undefined &&
    processDigest(current) === processDigest(carryImage(input, revision))
  )
}

/** The same reference as the revision before means the same image, wherever its tag has moved since; `Always` asks again. */
function carryImage(input: FeedInput, revision: Revision): Revision {
  const current = findRevision(input, input.memory.serving?.revision)
  const same = current?.snapshot.image === revision.snapshot.image && current.snapshot.hostRef === revision.snapshot.hostRef
  if (revision.imageDigest !== undefined || !same || input.declared?.resource.spec.imagePullPolicy === 'Always') return revision
  return { ...revision, imageDigest: current.imageDigest }
}

function running(input: FeedInput, except: string): { host: string; container: string }[] {
  return [...input.engines].flatMap(([host, { workloads }]) =>
    workloads
      .filter(({ name, state }) => name !== except && (state === 'running' || state === 'restarting'))
      .map(({ name }) => ({ host, container: name })),
  )
}

function reasonFor(input: FeedInput, aim: Aim, revision: Revision): string {
  const before = findRevision(input, input.memory.serving?.revision)
  if (!before) return 'nothing serves yet'
  if (aim.why === 'pinned') return `spec.revision asks for revision ${revision.number}`
  return differences(before, revision).join(', ') || `the inputs are those of revision ${revision.number} again`
}

/** What differs between two revisions, in words. */
export function differences(before: Revision, after: Revision): string[] {
  const a = before.snapshot
  const b = after.snapshot
  const parts: [string, unknown, unknown][] = [
    ['container settings', a.container, b.container],
    ['gateway', a.launch.gateway, b.launch.gateway],
    ['publishing', a.launch.publish, b.launch.publish],
    ['calendar', a.launch.calendar, b.launch.calendar],
    ['bounds', a.launch.queue, b.launch.queue],
    ['accounts', a.launch.accounts, b.launch.accounts],
    ['secrets', a.secretDigests, b.secretDigests],
    ['rate limits', a.live.rateLimits, b.live.rateLimits],
    ['watchdog', a.live.watchdog, b.live.watchdog],
    ['subscriptions', a.live.instrumentGroups, b.live.instrumentGroups],
  ]
  const named = parts.filter(([, was, is]) => JSON.stringify(was) !== JSON.stringify(is)).map(([name]) => name)
  if (a.image !== b.image) named.unshift(`image ${a.image} -> ${b.image}`)
  if (a.hostRef !== b.hostRef) named.unshift(`host ${a.hostRef} -> ${b.hostRef}`)
  return named
}

function withRevision(input: FeedInput, revision: Revision): Revision[] {
  return mergeRevisions(input.revisions, [revision])
}

function mergeRevisions(first: Revision[], second: Revision[]): Revision[] {
  return [...first.filter(({ number }) => !second.some(other => other.number === number)), ...second].sort(
    (a, b) => a.number - b.number,
  )
}

function lateMessage(input: FeedInput, proof: Proof): string {
  return `not proven within ${input.declared?.resource.spec.rollout.progressDeadline}: ${proof.message}`
}

function deadlineMs(input: FeedInput): number {
  return millisecondsOf(input.declared?.resource.spec.rollout.progressDeadline ?? '120s')
}

function minHealthyMs(input: FeedInput): number {
  return millisecondsOf(input.declared?.resource.spec.rollout.minHealthy ?? '10s')
}
