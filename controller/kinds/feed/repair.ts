import { labels, type Workload } from '../../engines/engine.ts'
import type { Placement } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { attemptOf } from './aim.ts'
import { type Aim, type Decision, idle, type Step, warning } from './decision.ts'
import { desiredFor, expectationOf, handOver, nextEpoch, type Writing } from './handover.ts'
import { type FeedInput, findImage, findReport, findRevision, findWorkload, isRunning } from './input.ts'
import { failsBackLater } from './override.ts'
import { type Proof, proofOf } from './proof.ts'
import { processDigest } from './workload.ts'

/** How often a feed that serves and is not well is looked at, in ms: nobody hints at a front that comes back. */
const unwellIntervalMs = 2000

/** The revision serves: put right what drifted, then hand the feed what it does not have yet. What was in progress is superseded. */
export function planRepair(input: FeedInput, aim: Aim, revision: Revision, serving: Placement): Decision {
  const { rollout: _superseded, ...memory } = input.memory
  const settled = { ...input, memory }
  const mending = mend(settled, revision, serving)
  if (mending) return mendingDecision(mending, aim)
  const { memory: next, steps, untaken } = handOver(settled, revision, serving)
  const proof = untaken ?? proofFor(settled, revision, serving)
  const isWell = proof.state === 'proven' && !failsBackLater(settled)
  return {
    ...idle(next, aim),
    steps: [...steps, ...leftOvers(input, [serving.container])],
    proof,
    wakeMs: isWell ? undefined : unwellIntervalMs,
  }
}

/** Steps that put something right, and why; without steps, what they wait for. */
export type Mending = Writing & { waits?: Proof }

export function mendingDecision({ memory, steps, waits }: Mending, aim: Aim): Decision {
  const repaired = steps.find(({ action }) => action !== 'Stop' && action !== 'PullImage')
  return {
    ...idle(memory, aim),
    steps,
    outcomes: repaired ? [warning('Repaired', repaired.reason)] : [],
    proof: waits,
    wakeMs: unwellIntervalMs,
  }
}

/** What to do about a container that is not there, not running or not named as it should be; `undefined` where all is well. */
export function mend(input: FeedInput, revision: Revision, placement: Placement): Mending | undefined {
  const { container } = placement
  const workload = findWorkload(input, container)
  if (!workload) return restore(input, revision, placement)
  if (workload.labels[labels.specDigest] !== processDigest(revision))
    return make(input, revision, placement, `${container} is not what revision ${revision.number} runs`)
  if (workload.lostNetwork !== undefined) return reconnect(input, placement, workload.lostNetwork)
  // What has the name has its files: one that was never started, or was since it was listed, needs nothing but a start.
  const reason = workload.state === 'created' ? 'was created and never started' : 'is stopped'
  return workload.state === 'stopped' || workload.state === 'created' ? restart(input, revision, placement, reason) : undefined
}

/** Its process goes on, and with it the sessions that had another way out. */
export function reconnect({ memory }: FeedInput, { host, container }: Placement, network: string): Mending {
  const reason = `${container} was disconnected from its network ${network}`
  return { memory, steps: [{ action: 'Connect', host, container, reason }] }
}

export function proofFor(
  input: FeedInput,
  revision: Revision,
  { container }: Pick<Placement, 'container'>,
  restartsBefore = 0,
): Proof {
  const expectation = { ...expectationOf(input, revision), restartsBefore }
  return proofOf(findWorkload(input, container), findReport(input, container), expectation)
}

/** What serves goes on while something else is prepared: it is repaired, unless a successor publishes already, and failed over. */
export function lookAfterServing(input: FeedInput): Writing {
  const { serving } = input.memory
  const revision = findRevision(input, serving?.revision)
  if (!serving || !revision) return { memory: input.memory, steps: [] }
  const isDeposed = stopOthers(input, serving.container).length > 0
  const mending = isDeposed ? undefined : mend(input, revision, serving)
  return mending ?? handOver(input, revision, serving)
}

/**
 * Two publishers of a feed never run side by side: whatever else runs is stopped before one starts, but for the two of a handover, of
 * which one is muted.
 */
export function stopOthers(input: FeedInput, container: string): Step[] {
  const beside = besideEachOther(input)
  return [...input.engines].flatMap(([host, { workloads }]) =>
    workloads
      .filter(workload => workload.name !== container && isRunning(workload) && !beside.includes(workload.name))
      .map(({ name }): Step => ({ action: 'Stop', host, container: name, reason: `${container} takes its place` })),
  )
}

function besideEachOther({ memory: { rollout, serving } }: FeedInput): string[] {
  const isOn = rollout?.strategy === 'Handover' && (rollout.phase !== 'reverting' || rollout.movesGate)
  return isOn ? [rollout.container, serving?.container].filter(name => name !== undefined) : []
}

/** Every workload of this feed that is not one of those named. */
export function leftOvers(input: FeedInput, keep: string[]): Step[] {
  return [...input.engines].flatMap(([host, { workloads }]) =>
    workloads
      .filter(({ name, state }) => !keep.includes(name) && state !== 'removing')
      .map(({ name }): Step => ({ action: 'Remove', host, container: name, reason: `${name} is left over` })),
  )
}

/** Asks for the image unless it is on its way, or known not to exist. */
export function pullImage(input: FeedInput, revision: Revision, reason: string): Step[] {
  if (findImage(input, revision).state !== 'absent') return []
  const { hostRef, image } = revision.snapshot
  const reference = revision.imageDigest ?? image
  const attempt = attemptOf(input, revision)
  return [{ action: 'PullImage', host: hostRef, reference, attempt, reason: `${reason}, and ${reference} is not on the host` }]
}

function restore(input: FeedInput, revision: Revision, placement: Placement): Mending {
  const { host, container } = placement
  const stranger = input.strangers.find(({ name }) => name === container)
  if (stranger) return { memory: input.memory, steps: [], waits: taken(container) }
  const renamed = findRenamed(input, revision, placement)
  if (!renamed) return make(input, revision, placement, `${container} is missing`)
  const reason = `${renamed.name} is ${container} renamed`
  return { memory: input.memory, steps: [{ action: 'Rename', host, container: renamed.name, to: container, reason }] }
}

function restart(input: FeedInput, revision: Revision, { host, container }: Placement, why: string): Mending {
  const memory = nextEpoch(input)
  const desired = desiredFor(input, revision, memory.epoch)
  const start: Step = { action: 'Start', host, container, desired, reason: `${container} ${why}` }
  return { memory, steps: [...stopOthers(input, container), start] }
}

/** Makes the container anew and starts it; first its image, where that is gone. */
function make(input: FeedInput, revision: Revision, { host, container }: Placement, reason: string): Mending {
  const image = findImage(input, revision)
  if (image.state !== 'present')
    return { memory: input.memory, steps: pullImage(input, revision, reason), waits: waitsFor(image, reason) }
  const memory = nextEpoch(input)
  const desired = desiredFor(input, revision, memory.epoch)
  const debris: Step[] = findWorkload(input, container) ? [{ action: 'Remove', host, container, reason }] : []
  const create: Step = { action: 'Create', host, container, revision, desired, reason }
  const start: Step = { action: 'Start', host, container, desired, reason: `${container} was created` }
  return { memory, steps: [...debris, create, ...stopOthers(input, container), start] }
}

const taken = (container: string): Proof => ({
  state: 'refuted',
  reason: 'NameTaken',
  message: `the name ${container} belongs to somebody else: rename or remove that`,
})

function waitsFor(image: ReturnType<typeof findImage>, reason: string): Proof {
  if (image.state === 'failed')
    return { state: 'pending', reason: image.fault.reason, message: `${reason}: ${image.fault.message}` }
  return { state: 'pending', reason: 'PullingImage', message: `${reason}, and its image is on the way` }
}

/** A container of this revision under a name that nobody gave it. */
function findRenamed(input: FeedInput, revision: Revision, { host, container }: Placement): Workload | undefined {
  const known = new Set([container, input.memory.serving?.container, input.memory.rollout?.container])
  return input.engines
    .get(host)
    ?.workloads.find(({ name, labels: its }) => !known.has(name) && its[labels.specDigest] === processDigest(revision))
}
