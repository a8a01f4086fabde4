import type { Account } from '../../../crds/contract/desired.ts'
import type { Fault } from '../../../crds/contract/fault.ts'
import { ephemeralConsumers, type FeedReport, type SessionStatus } from '../../../crds/contract/feedstatus.ts'
import type { FeedStatus } from '../../../crds/feed.ts'
import type { Problem } from '../../sources/problem.ts'
import type { Declared } from '../../store/declared.ts'
import type { Behind, DrillMemory } from '../../store/drill.ts'
import type { FeedMemory } from '../../store/memory.ts'

/** Everything that a decision about a drill rests on, read once. */
export type DrillInput = {
  now: number
  /** `namespace/name` of the FailoverDrill. */
  key: string
  /** Which life of the controller this is. */
  life: string
  /** Absent: it is no longer declared; a drill that is under way is undone. */
  declared: Declared<'FailoverDrill'> | undefined
  /** Errors between declared objects that concern it. */
  problems: Problem[]
  memory: DrillMemory
  /** The feed as it is declared, as its controller sees it, and its own word; asked only where a drill is under way or shall begin. */
  feed: Declared<'Feed'> | undefined
  feedStatus: FeedStatus
  feedMemory: FeedMemory | undefined
  report: FeedReport | { fault: Fault } | undefined
  /** Another drill that is under way on the feed. */
  rival: string | undefined
}

/** What the feed itself says, where it answers. */
export function reportOf({ report }: Pick<DrillInput, 'report'>): FeedReport | undefined {
  return report !== undefined && 'feed' in report ? report : undefined
}

export function sessionOf(report: FeedReport, account: Account): SessionStatus | undefined {
  return report.sessions.find(session => session.account === account)
}

/** Acknowledged over desired subscriptions. */
export function coverageOf(session: SessionStatus | undefined): number {
  if (session === undefined) return 0
  const { desired, acknowledged } = session.subscriptions
  return desired === 0 ? 1 : acknowledged / desired
}

export function otherThan(account: Account): Account {
  return account === 'primary' ? 'backup' : 'primary'
}

/** Share of the instruments that an account must have acknowledged, as the feed asks for it of each rollout. */
export function minCoverageOf({ feed }: Pick<DrillInput, 'feed'>): number {
  return feed?.resource.spec.rollout.minCoverage ?? 1
}

/** Whether anybody keeps account of how far behind consumers are: JetStream does. */
export function countsConsumers({ publisher }: FeedReport): boolean {
  return publisher.type === 'jetstream'
}

/** Messages that each durable consumer is behind by; those without a durable name come and go, and are no measure. */
export function behindOf({ consumers }: FeedReport): Behind | undefined {
  if (consumers?.at === undefined) return undefined
  const named = consumers.items.filter(({ name }) => name !== ephemeralConsumers)
  return Object.fromEntries(named.map(({ name, backlog, unacknowledged }) => [name, backlog + unacknowledged]))
}
