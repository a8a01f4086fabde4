import type { Condition } from '../../crds/contract/resource.ts'
import type { ResourceEvent, ResourceView } from '../api/contract.ts'
import { conditionOf, isAbout, isObserved, isTrue, sentence } from './health.ts'

/** What a wait waits for, on top of "the controller has seen the present generation and the feed is Ready". */
export type Goal = {
  /** Generation before the edit: an answer about it, or about an earlier one, is stale. */
  afterGeneration?: number
  /** One-shot token that must have been carried out. */
  token?: string
  /** Account that must publish. */
  active?: string
  /** A suspended feed converges to nothing: it is enough that the controller has taken the edit. */
  takenOnly?: boolean
  /** It shall be stopped, in place of Ready. */
  stopped?: boolean
}

export type Verdict = { state: 'waiting' | 'done' | 'failed'; why: string }

/** Judges one view of a feed against a goal. Never takes an old Ready, or an old Stalled, for an answer to the edit. */
export function judge(view: ResourceView, goal: Goal): Verdict {
  const { generation } = view.metadata
  if (goal.afterGeneration !== undefined && generation <= goal.afterGeneration) return waiting(unreadWords(view))
  if (goal.takenOnly) return { state: 'done', why: `the controller took generation ${generation}` }
  const ready = conditionOf(view, 'Ready')
  const underWay = conditionOf(view, 'Reconciling') ?? ready
  if (!isObserved(view))
    return waiting(isAbout(underWay, generation) ? sentence(underWay) : `generation ${generation} is not observed yet`)
  if (goal.token !== undefined && !Object.values(requestsOf(view)).includes(goal.token))
    return waiting('the request is not carried out yet')
  const stalled = conditionOf(view, 'Stalled')
  if (stalled?.status === 'True') return { state: 'failed', why: sentence(stalled) }
  if (ready === undefined) return waiting('no condition yet')
  if (goal.stopped && isTrue(view, 'Stopped')) return { state: 'done', why: ready.message }
  if (!goal.stopped && isTrue(view, 'Stopped')) return { state: 'failed', why: sentence(ready) }
  if (isTrue(view, 'Reconciling') || ready.status !== 'True') return waiting(sentence(underWay ?? ready))
  const { active } = view.status
  if (goal.active !== undefined && active !== goal.active)
    return waiting(`${active ?? 'no account'} publishes, not yet ${goal.active}`)
  return { state: 'done', why: ready.message || 'Ready' }
}

// An edit in a file that has a problem elsewhere is not taken up before that problem is mended.
function unreadWords(view: ResourceView): string {
  const source = conditionOf(view, 'SourceValid')
  return source?.status === 'False' ? `the edit is not in force: ${sentence(source)}` : 'the controller has not read the edit yet'
}

/** Reason of a condition that is there no longer: `Reconciling` and `Stalled` exist only while true. */
export const gone = 'Gone'

/** One thing that happened on the way, for the three renderers. */
export type Progress =
  | { type: 'generation'; generation: number }
  | { type: 'phase'; phase: string }
  | { type: 'active'; from: string | undefined; to: string; epoch: number | undefined }
  | { type: 'revision'; from: number | undefined; to: number }
  | { type: 'condition'; condition: string; status: string; reason: string; message: string }
  | { type: 'event'; severity: ResourceEvent['type']; reason: string; message: string }
  | { type: 'note'; message: string }

/** What changed from one view to the next, in the order in which an operator reads it. */
export function progressBetween(before: ResourceView | undefined, now: ResourceView): Progress[] {
  const was = before?.status ?? {}
  const is = now.status
  const steps: Progress[] = []
  if (before !== undefined && now.metadata.generation !== before.metadata.generation) {
    steps.push({ type: 'generation', generation: now.metadata.generation })
  }
  if (typeof is.phase === 'string' && is.phase !== was.phase) steps.push({ type: 'phase', phase: is.phase })
  if (before !== undefined && typeof is.revision === 'number' && is.revision !== was.revision) {
    steps.push({ type: 'revision', from: was.revision as number | undefined, to: is.revision })
  }
  if (before !== undefined && typeof is.active === 'string' && is.active !== was.active) {
    steps.push({ type: 'active', from: was.active as string | undefined, to: is.active, epoch: is.epoch as number | undefined })
  }
  return [...steps, ...conditionSteps(before, now)]
}

function conditionSteps(before: ResourceView | undefined, now: ResourceView): Progress[] {
  const changed = (now.status.conditions ?? []).filter(condition => {
    const old = before === undefined ? undefined : conditionOf(before, condition.type)
    const isNew = old?.status !== condition.status || old.reason !== condition.reason || old.message !== condition.message
    return isNew && !isEcho(condition, now)
  })
  const lost = (before?.status.conditions ?? []).filter(({ type }) => conditionOf(now, type) === undefined)
  const ended = lost.map(({ type }) => ({ type, status: 'False', reason: gone, message: '' }))
  return [...changed, ...ended].map(({ type, status, reason, message }) => ({
    type: 'condition' as const,
    condition: type,
    status,
    reason,
    message,
  }))
}

/** While a feed is on its way, or stalled, Ready says the same as Reconciling, or Stalled: once is enough. */
function isEcho({ type, status, message }: Condition, view: ResourceView): boolean {
  const others = [conditionOf(view, 'Reconciling'), conditionOf(view, 'Stalled')]
  return type === 'Ready' && status !== 'True' && others.some(other => other?.message === message)
}

function requestsOf(view: ResourceView): Record<string, string> {
  return (view.status.requests ?? {}) as Record<string, string>
}

function waiting(why: string): Verdict {
  return { state: 'waiting', why }
}
