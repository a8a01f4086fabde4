import type { Account, Live } from '../../../crds/contract/desired.ts'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { FeedMemory, Placement } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import type { Step } from './decision.ts'
import { desiredOf, liveDigestOf } from './desired.ts'
import { drillInForce } from './drilling.ts'
import { type FeedInput, findReport, findRevision, findWorkload } from './input.ts'
import { overrideEnds } from './override.ts'
import type { Expectation, Proof } from './proof.ts'
import { recordPush, untakenBy } from './untaken.ts'

/** `untaken`: the process has taken the settings, and reports others. */
export type Writing = { memory: FeedMemory; steps: Step[]; untaken?: Proof }

/**
 * Pushes the desired state where the feed has another one. Whatever may move the gate takes a new epoch; a change of the subscriptions
 * or limits alone keeps it, because the publisher stays the same. What the feed has taken over is not pushed again, even while the
 * account that shall publish is not live yet.
 */
export function handOver(input: FeedInput, revision: Revision, { host, container }: Placement): Writing {
  const report = findReport(input, container)
  const endpoint = findWorkload(input, container)?.endpoint
  const reason = report && handOverReason(input, revision, report)
  if (!report || !endpoint || reason === undefined) return { memory: input.memory, steps: [] }
  const digest = liveDigestOf(revision, { role: 'publisher', active: activeFor(input, revision), ...standbyOf(input) })
  const untaken = untakenBy(input, container, report, digest)
  if (untaken) return { memory: input.memory, steps: [], untaken }
  const memory = gateStays(input, revision, report) ? input.memory : nextEpoch(input)
  const desired = desiredFor(input, revision, memory.epoch)
  const step: Step = { action: 'Push', host, container, endpoint, desired, reason }
  return { memory: recordPush(memory, { container, digest, revision: revision.number, at: input.now }), steps: [step] }
}

/**
 * Pushes the desired state to a process that runs muted beside the publisher. It moves no gate, but of its epoch and its active account
 * the feed only takes both or neither.
 */
export function handOverMuted(input: FeedInput, revision: Revision, { host, container }: Placement): Writing {
  const { memory } = input
  const report = findReport(input, container)
  const endpoint = findWorkload(input, container)?.endpoint
  const isTold = report && report.revision === revision.number && hasSettings(input, revision, report, activeFor(input, revision))
  if (!report || !endpoint || isTold || report.role !== 'standby') return { memory, steps: [] }
  const digest = liveDigestOf(revision, { role: 'standby', active: activeFor(input, revision), ...standbyOf(input) })
  const untaken = untakenBy(input, container, report, digest)
  if (untaken) return { memory, steps: [], untaken }
  const next = report.epoch < memory.epoch ? memory : nextEpoch(input)
  const desired = desiredFor(input, revision, next.epoch, 'standby')
  const reason = `${container}, which is muted, has other settings than those declared`
  const step: Step = { action: 'Push', host, container, endpoint, desired, reason }
  return { memory: recordPush(next, { container, digest, revision: revision.number, at: input.now }), steps: [step] }
}

export function desiredFor(input: FeedInput, revision: Revision, epoch: number, role: Live['role'] = 'publisher') {
  return desiredOf(input.key, revision, epoch, { role, active: activeFor(input, revision), ...standbyOf(input) })
}

/** Epochs left out where a watchdog may have taken some without being seen: an epoch never has two publishers. */
const unseenEpochs = 16

/** A process that begins to publish, and a gate that moves, take a new epoch. */
export function nextEpoch(input: FeedInput): FeedMemory {
  const { memory } = input
  const placed = [...new Set([memory.serving?.container, memory.rollout?.container])].filter(name => name !== undefined)
  const isSeen = placed.every(name => findReport(input, name) !== undefined)
  return { ...memory, epoch: memory.epoch + (isSeen || memory.epoch === 0 ? 1 : unseenEpochs) }
}

/** What a process that runs the revision is held to. */
export function expectationOf(input: FeedInput, revision: Revision): Expectation {
  return { active: activeFor(input, revision), minCoverage: input.declared?.resource.spec.rollout.minCoverage ?? 1 }
}

/**
 * The account that shall publish: the watchdog's choice while that is respected, else the one that a drill wants, else the declared one; of an
 * earlier revision that does not know it, the one that it knows.
 */
function activeFor(input: FeedInput, { snapshot }: Revision): Account {
  const { accounts } = snapshot.launch
  const { override } = input.memory
  const wanted = override && overrideEnds(input) === undefined ? override.active : wantedActive(input)
  return accounts.includes(wanted) ? wanted : (accounts[0] ?? wanted)
}

function handOverReason(input: FeedInput, revision: Revision, report: FeedReport): string | undefined {
  const ends = overrideEnds(input)
  if (ends !== undefined) return `the watchdog's override ends: ${ends}`
  const rival = report.fence?.by
  if (rival && rival.epoch < input.memory.epoch) return `the gate is taken from ${rival.holder}, which has epoch ${rival.epoch}`
  if (report.role !== 'publisher') return 'it shall publish, and is muted'
  if (report.revision !== revision.number) return `revision ${report.revision} -> ${revision.number}`
  const active = activeFor(input, revision)
  if (hasSettings(input, revision, report, active)) return undefined
  if (report.override && hasSettings(input, revision, report, wantedActive(input))) return undefined
  const other = active === 'primary' ? 'backup' : 'primary'
  if (hasSettings(input, revision, report, other))
    return `${input.drilling ? `drill ${input.drilling.name}` : 'credentials.active'}: ${other} -> ${active}`
  return 'the feed has other settings than those declared'
}

/** Whether the gate is certain to stay where the feed has it: it was last told the same account, for the revision that it runs. */
function gateStays(input: FeedInput, revision: Revision, report: FeedReport): boolean {
  if (overrideEnds(input) !== undefined || report.role !== 'publisher' || report.fence?.by) return false
  const active = activeFor(input, revision)
  if (report.override) return report.override.active === active
  const current = findRevision(input, report.revision)
  return current !== undefined && hasSettings(input, current, report, active)
}

/** In the role that it has: which one it shall have is decided elsewhere. */
function hasSettings(input: FeedInput, revision: Revision, { liveDigest, role }: FeedReport, active: Account): boolean {
  return liveDigest === liveDigestOf(revision, { role, active, ...standbyOf(input) })
}

const standbyOf = (input: FeedInput) => ({ standby: credentialsOf(input).standby })

/** What a drill wants while one is under way, else what is declared. */
const wantedActive = (input: FeedInput): Account => drillInForce(input)?.active ?? credentialsOf(input).active

function credentialsOf(input: FeedInput) {
  const { active = 'primary', standby = 'warm' } = input.declared?.resource.spec.credentials ?? {}
  return { active, standby } as const
}
