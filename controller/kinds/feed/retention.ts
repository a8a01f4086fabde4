import type { Decision } from './decision.ts'
import type { FeedInput } from './input.ts'

/**
 * Forgets revisions beyond `revisionHistoryLimit`, oldest first; never the one that serves, one in progress, the pinned one, the one
 * that failed last, or the newest good one.
 */
export function retire(decision: Decision, input: FeedInput): Decision {
  const spec = input.declared?.resource.spec
  if (!spec) return decision
  const { serving, rollout, failure } = decision.memory
  const newestGood = input.revisions.findLast(({ state }) => state === 'good')?.number
  const kept = new Set([serving?.revision, rollout?.revision, failure?.revision, spec.revision, newestGood])
  const excess = Math.max(0, input.revisions.length - spec.revisionHistoryLimit)
  const forgotten = input.revisions
    .slice(0, excess)
    .map(({ number }) => number)
    .filter(number => !kept.has(number))
  return forgotten.length > 0 ? { ...decision, forgotten } : decision
}
