import type { Account } from '../../../crds/contract/desired.ts'
import type { Fault, FaultClass } from '../../../crds/contract/fault.ts'
import type { FeedEvent, FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { FeedStatus } from '../../../crds/feed.ts'
import type { Resolution } from '../../consistency/instruments.ts'
import type { Image, Workload } from '../../engines/engine.ts'
import type { Problem } from '../../sources/problem.ts'
import type { Declared } from '../../store/declared.ts'
import type { FeedMemory } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import type { Drilling } from './drilling.ts'
import type { FrontView } from './fronts.ts'

/** Whose secrets: an account's, or the bus's. */
export type SecretOwner = Account | 'nats'

/**
 * A secret as it is in use, or why there is none. `trouble` is why it could not be read anew. `isAssumed`: nothing was read of its Vault since
 * the controller started, and it is taken for the one that was read last; no new process can be given it. `source` names the Vault's secret.
 */
export type SecretView = { digest: string; source?: string; trouble?: Fault; isAssumed?: true } | { fault: Fault }

/** What one engine shows of this feed. */
export type EngineView = {
  /** Set when the engine could not be asked: what runs is then unknown, not absent. */
  fault: Fault | undefined
  /** Workloads that carry this feed's owner label. */
  workloads: Workload[]
  /** Whether the host is declared still. */
  declared: boolean
}

/** The image that a revision names. `fault` of one that is asked for again: why the try before failed. */
export type ImageView =
  | { state: 'present'; image: Image }
  | { state: 'absent'; fault?: Fault }
  | { state: 'pulling'; fault?: Fault }
  | { state: 'failed'; fault: Fault }

/** The feed's own word, asked at the container that runs; with `events` where it has told something new. */
export type ReportView = { container: string; report: FeedReport; events?: FeedEvent[] } | { container: string; fault: Fault }

/** Everything that a decision rests on, read once. Nothing here is a secret: secrets appear as keyed digests. */
export type FeedInput = {
  now: number
  key: string
  /** Absent: the feed is no longer declared, and what runs of it goes. */
  declared: Declared<'Feed'> | undefined
  host: Declared<'Host'> | undefined
  profile: Declared<'FeedProfile'> | undefined
  credentials: Partial<Record<SecretOwner, Declared<'Credentials'>>>
  sets: Declared<'SubscriptionSet'>[]
  /** Errors between objects that touch this feed, and errors of the files that declare it. */
  problems: Problem[]
  /** Whether the newest version of the declaring file could be taken over. */
  sourceProblems: Problem[]
  resolution: Resolution | undefined
  secrets: Partial<Record<SecretOwner, SecretView>>
  memory: FeedMemory
  /** The drill that is under way on it. */
  drilling: Drilling | undefined
  revisions: Revision[]
  /** By name of the host: every one on which something of this feed runs, may run or shall run. */
  engines: Map<string, EngineView>
  /** Images of the revisions whose container may have to be made, by number. */
  images: Map<number, ImageView>
  /** Strangers that hold the name of a container that may have to be made. */
  strangers: Workload[]
  reports: ReportView[]
  /** What was tried of a live feed that may be started out of nothing, where that is asked for. */
  preflight: { fronts: FrontView[] } | undefined
  status: FeedStatus
}

/** Why a declared state cannot be carried out. `path` is the member of the Feed that asks for it. */
export type Violation = { class: FaultClass; reason: string; message: string; path?: string }

/** The workload by that name among this feed's, on any of its hosts. */
export function findWorkload(input: FeedInput, container: string): Workload | undefined {
  for (const { workloads } of input.engines.values()) {
    const found = workloads.find(workload => workload.name === container)
    if (found) return found
  }
  return undefined
}

/** Whether its process is there, or is started again by the engine. */
export function isRunning(workload: Workload | undefined): boolean {
  return workload?.state === 'running' || workload?.state === 'restarting'
}

/** Whether the operator wants nothing of it to run. */
export function isDeclaredStopped({ declared }: Pick<FeedInput, 'declared'>): boolean {
  return declared?.resource.spec.state === 'Stopped'
}

/** Credentials of the bus: the profile's, or those that the pinned revision publishes with. */
export function busCredentialsRef({
  declared,
  profile,
  revisions,
}: Pick<FeedInput, 'declared' | 'profile' | 'revisions'>): string | undefined {
  const pinned = revisions.find(({ number }) => number === declared?.resource.spec.revision)
  return (pinned?.snapshot.launch ?? profile?.resource.spec)?.publish.credentialsRef
}

/** The image of a revision whose container has to be made. */
export function findImage(input: FeedInput, { number }: Revision): ImageView {
  return input.images.get(number) ?? { state: 'absent' }
}

export function findReport(input: FeedInput, container: string): FeedReport | undefined {
  const view = input.reports.find(candidate => candidate.container === container)
  return view && 'report' in view ? view.report : undefined
}

/** The report of the process that publishes; where none does, of the one that is nearest to it. */
export function findPublisher(input: FeedInput): FeedReport | undefined {
  const { rollout, serving } = input.memory
  const names = [rollout?.container, serving?.container].filter(name => name !== undefined)
  const reports = names.flatMap(name => findReport(input, name) ?? [])
  return reports.find(({ role }) => role === 'publisher') ?? reports[0]
}

export function findRevision(input: FeedInput, number: number | undefined): Revision | undefined {
  return number === undefined ? undefined : input.revisions.find(revision => revision.number === number)
}
