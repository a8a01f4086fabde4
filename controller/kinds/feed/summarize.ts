import type { Fault } from '../../../crds/contract/fault.ts'
import type { ConsumersReport, FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { FeedStatus } from '../../../crds/feed.ts'
import { conditionsOf, isTrue } from '../condition.ts'
import { feedConditions } from './conditions.ts'
import type { Decision } from './decision.ts'
import { drillInForce } from './drilling.ts'
import { type FeedInput, findPublisher, findRevision, findWorkload, isDeclaredStopped } from './input.ts'
import { isTold } from './override.ts'
import { isStopped } from './stop.ts'
import { strategyShown } from './strategy.ts'

/** The status of a Feed after a look at it. The only place that makes one. */
export function summarize(input: FeedInput, decision: Decision, fault: Fault | undefined): FeedStatus {
  const generation = input.declared?.generation ?? 0
  const conditions = conditionsOf(
    feedConditions({ ...input, memory: decision.memory }, decision, fault),
    input.status.conditions,
    input.now,
    generation,
  )
  const final = ['Ready', 'Stalled', 'Stopped'].some(type => isTrue(conditions, type))
  return defined({
    ...revisionMembers(input, decision),
    ...reportMembers(input, decision),
    observedGeneration: final ? generation : input.status.observedGeneration,
    conditions,
    requests: Object.keys(decision.memory.requests).length > 0 ? decision.memory.requests : undefined,
  })
}

function revisionMembers(input: FeedInput, { aim, memory, revisions }: Decision) {
  const { rollout, serving, failure, epoch } = memory
  const publisher = findPublisher({ ...input, memory })
  const all = [...input.revisions, ...revisions]
  const good = all.findLast(revision => revision.state === 'good')?.number
  const placed = rollout && !rollout.waits && !unplaced.has(rollout.phase) ? rollout : serving
  const workload = placed && findWorkload(input, placed.container)
  return {
    // One that was handed out and that nobody took, because its process ran already, is no epoch that publishes.
    epoch: publisher?.role === 'publisher' ? publisher.epoch : epoch > 0 ? epoch : undefined,
    revision: placed?.revision,
    targetRevision: aim?.why === 'rolled-back' ? aim.declared.number : aim?.revision?.number,
    lastGoodRevision: good,
    failedRevision: failure?.revision ?? (rollout?.failure && rollout.revision),
    phase: rollout?.phase ?? stopPhase(input, memory),
    ...(input.declared && strategyMembers(input, memory)),
    container: placed?.container,
    image:
      all.findLast(({ number }) => number === placed?.revision)?.imageDigest ??
      findRevision(input, placed?.revision)?.imageDigest,
    endpoint: workload?.endpoint,
  }
}

function strategyMembers(input: FeedInput, memory: Decision['memory']) {
  const { strategy, reason } = strategyShown(input, memory)
  return { strategy, strategyReason: reason }
}

function stopPhase(input: FeedInput, memory: Decision['memory']): string | undefined {
  if (!memory.stop || !isDeclaredStopped(input)) return undefined
  return isStopped({ memory }, input) ? 'stopped' : 'stopping'
}

/** Phases of a rollout in which the revision that serves is the one that publishes. */
const unplaced = new Set<string>(['preparing', 'starting', 'rehearsing', 'promoting', 'reverting'])

function reportMembers(input: FeedInput, { memory }: Decision): FeedStatus {
  const report = findPublisher({ ...input, memory })
  if (!report) return memory.stop ? stoppedMembers(input.status) : pickLast(input.status)
  const session = report.sessions.find(({ account }) => account === report.active)
  const subscriptions = session?.subscriptions
  return defined({
    active: report.active,
    activeReason: activeReasonOf({ ...input, memory }),
    subscriptions: subscriptions && {
      ...subscriptions,
      coverage: subscriptions.desired === 0 ? 1 : subscriptions.acknowledged / subscriptions.desired,
    },
    ticksPerSecond: session?.ticksPerSecond,
    lastTickAt: session?.lastTickAt === undefined ? undefined : new Date(session.lastTickAt).toISOString(),
    market: defined({
      open: report.market.open,
      nextChange: report.market.nextChange === undefined ? undefined : new Date(report.market.nextChange).toISOString(),
    }),
    standby: standbyOf(report),
    sessions: report.sessions.map(sessionOf),
    lastFailover: lastFailoverOf(report, input.now) ?? input.status.lastFailover,
    consumers: report.consumers && consumersOf(report.consumers),
  })
}

function activeReasonOf(input: FeedInput): string {
  if (input.memory.override) return 'Override'
  return drillInForce(input) ? 'Drill' : 'Declared'
}

/** A feed that does not answer for a moment is not forgotten. */
function pickLast({ active, activeReason, market, lastFailover }: FeedStatus): FeedStatus {
  return defined({ active, activeReason, market, lastFailover })
}

/** Of a session that nobody follows nothing is known. */
function stoppedMembers({ active, activeReason, lastFailover }: FeedStatus): FeedStatus {
  return defined({ active, activeReason, lastFailover })
}

function standbyOf(report: FeedReport): FeedStatus['standby'] {
  const other = report.sessions.find(({ account }) => account !== report.active)
  return other && { account: other.account, state: other.state, acknowledged: other.subscriptions.acknowledged }
}

/** Rejections that a status names; the feed's own report has more. */
const rejectionLimit = 20

function sessionOf(session: FeedReport['sessions'][number]): NonNullable<FeedStatus['sessions']>[number] {
  const { account, state, gate, front, tradingDay, reason, message, errorId, restarts, subscriptions } = session
  const { acknowledged, rejected } = subscriptions
  const rejections = session.rejections.length > 0 ? session.rejections.slice(0, rejectionLimit) : undefined
  return defined({
    account,
    state,
    gate,
    front,
    tradingDay,
    reason,
    message,
    errorId,
    restarts,
    acknowledged,
    rejected,
    rejections,
  })
}

/** Shown once its first tick has come, so that the time is final; without one after a while, so that it is not hidden. */
function lastFailoverOf({ lastFailover: flip }: FeedReport, now: number): FeedStatus['lastFailover'] {
  if (!flip || !isTold(flip, now)) return undefined
  const { from, to, epoch, reason, at, phases } = flip
  const totalMs = phases.firstTickMs ?? phases.openedMs ?? 0
  return { from, to, epoch, reason, at: new Date(at).toISOString(), totalMs, phases: defined(phases) }
}

function consumersOf({ at, message, stream, items, omitted }: ConsumersReport): FeedStatus['consumers'] {
  const readAt = at === undefined ? undefined : new Date(at).toISOString()
  return defined({ readAt, message, stream: stream && defined(stream), items, omitted })
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
}
