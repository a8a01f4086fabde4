import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import { labels, type Workload } from '../../engines/engine.ts'
import type { FeedMemory, Placement } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { attemptOf, newRequest } from './aim.ts'
import { type Aim, type Decision, idle, type Step, warning } from './decision.ts'
import { desiredOf, liveDigestOf } from './desired.ts'
import { type FeedInput, findReport, findWorkload } from './input.ts'
import { overrideEnds } from './override.ts'
import { proofOf } from './proof.ts'
import { processDigest } from './workload.ts'

/** The revision serves: put right what drifted, then hand the feed what it does not have yet. */
export function planRepair(input: FeedInput, aim: Aim, revision: Revision, serving: Placement): Decision {
  const mended = mend(input, revision, serving)
  if (mended)
    return { ...idle(mended.memory, aim), steps: mended.steps, notes: mended.steps.map(step => warning('Repaired', step.reason)) }
  const { memory, steps } = handOver(input, revision, serving)
  const proof = proofOf(findWorkload(input, serving.container), findReport(input, serving.container), minCoverageOf(input))
  return { ...idle(memory, aim), steps: [...steps, ...leftOvers(input, [serving.container])], proof }
}

/** What to do about a container that is not there, not running or not named as it should be; `undefined` where all is well. */
export function mend(input: FeedInput, revision: Revision, placement: Placement): Mending | undefined {
  const { host, container } = placement
  const workload = findWorkload(input, container)
  if (!workload) {
    const renamed = findRenamed(input, revision, placement)
    if (!renamed) return make(input, revision, placement, `${container} is missing`)
    return {
      memory: input.memory,
      steps: [
        { action: 'Rename', host, container: renamed.name, to: container, reason: `${renamed.name} is ${container} renamed` },
      ],
    }
  }
  if (workload.labels[labels.specDigest] !== processDigest(revision))
    return make(input, revision, placement, `${container} is not what revision ${revision.number} runs`)
  if (workload.state === 'created') return make(input, revision, placement, `${container} was created and never started`)
  if (workload.state !== 'stopped') return undefined
  const memory = nextEpoch(input.memory)
  return {
    memory,
    steps: [
      { action: 'Start', host, container, desired: desiredFor(input, revision, memory.epoch), reason: `${container} is stopped` },
    ],
  }
}

export type Mending = { memory: FeedMemory; steps: Step[] }

/** Makes the container anew and starts it; first its image, where that is gone. */
function make(input: FeedInput, revision: Revision, { host, container }: Placement, reason: string): Mending {
  if (input.image.state !== 'present') return { memory: input.memory, steps: pullImage(input, revision, reason) }
  const memory = nextEpoch(input.memory)
  const desired = desiredFor(input, revision, memory.epoch)
  const debris: Step[] = findWorkload(input, container) ? [{ action: 'Remove', host, container, reason }] : []
  const steps: Step[] = [
    { action: 'Create', host, container, revision, desired, reason },
    { action: 'Start', host, container, desired, reason: `${container} was created` },
  ]
  return { memory, steps: [...debris, ...steps] }
}

/** Asks for the image unless it is on its way, or known not to exist. */
export function pullImage(input: FeedInput, revision: Revision, reason: string): Step[] {
  if (input.image.state !== 'absent') return []
  const reference = revision.imageDigest ?? revision.snapshot.image
  return [
    {
      action: 'PullImage',
      host: revision.snapshot.hostRef,
      reference,
      attempt: attemptOf(input, revision),
      reason: `${reason}, and ${reference} is not on the host`,
    },
  ]
}

/**
 * Pushes the desired state where the feed has another one. A change of the active account, and the end of an override, take a new epoch;
 * a change of the subscriptions or limits keeps it, because the publisher stays the same.
 */
export function handOver(input: FeedInput, revision: Revision, { host, container }: Placement): Mending {
  const report = findReport(input, container)
  const endpoint = findWorkload(input, container)?.endpoint
  if (!report || !endpoint) return { memory: input.memory, steps: [] }
  const reason = handOverReason(input, revision, report)
  if (reason === undefined) return { memory: input.memory, steps: [] }
  const moves = gateMoves(input, report)
  const memory = withFailback(moves ? nextEpoch(input.memory) : input.memory, input)
  return {
    memory,
    steps: [{ action: 'Push', host, container, endpoint, desired: desiredFor(input, revision, memory.epoch), reason }],
  }
}

/** Every workload of this feed that is not one of those named. */
export function leftOvers(input: FeedInput, keep: string[]): Step[] {
  return [...input.engines].flatMap(([host, { workloads }]) =>
    workloads
      .filter(({ name, state }) => !keep.includes(name) && state !== 'removing')
      .map(({ name }): Step => ({ action: 'Remove', host, container: name, reason: `${name} is left over` })),
  )
}

export function desiredFor(input: FeedInput, revision: Revision, epoch: number) {
  const { active, standby } = credentialsOf(input)
  return desiredOf(input.key, revision, epoch, active, standby)
}

/** A process that begins to publish, and a gate that moves, take a new epoch. */
export function nextEpoch(memory: FeedMemory): FeedMemory {
  return { ...memory, epoch: memory.epoch + 1 }
}

export function minCoverageOf(input: FeedInput): number {
  return input.declared?.resource.spec.rollout.minCoverage ?? 1
}

function handOverReason(input: FeedInput, revision: Revision, report: FeedReport): string | undefined {
  const { active, standby } = credentialsOf(input)
  const ends = overrideEnds(input)
  if (ends !== undefined) return `the watchdog's override ends: ${ends}`
  if (report.active !== active && !report.override) return `credentials.active: ${report.active} -> ${active}`
  if (report.revision !== revision.number) return `revision ${report.revision} -> ${revision.number}`
  if (report.liveDigest !== liveDigestOf(revision, active, standby)) return 'the feed has other settings than those declared'
  return undefined
}

function gateMoves(input: FeedInput, report: FeedReport): boolean {
  return overrideEnds(input) !== undefined || (report.active !== credentialsOf(input).active && !report.override)
}

function withFailback(memory: FeedMemory, input: FeedInput): FeedMemory {
  const token = newRequest(input, 'failback')
  return token === undefined ? memory : { ...memory, requests: { ...memory.requests, failback: token } }
}

function credentialsOf(input: FeedInput) {
  const { active = 'primary', standby = 'warm' } = input.declared?.resource.spec.credentials ?? {}
  return { active, standby } as const
}

/** A container of this revision under a name that nobody gave it. */
function findRenamed(input: FeedInput, revision: Revision, { host, container }: Placement): Workload | undefined {
  const known = new Set([container, input.memory.serving?.container, input.memory.rollout?.container])
  return input.engines
    .get(host)
    ?.workloads.find(({ name, labels: its }) => !known.has(name) && its[labels.specDigest] === processDigest(revision))
}
