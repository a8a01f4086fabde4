import { requestAnnotations } from '../../../crds/feed.ts'
import type { Revision } from '../../store/revision.ts'
import { firstViolation, violationOf } from './checks.ts'
import type { Aim } from './decision.ts'
import { type FeedInput, findRevision, type Violation } from './input.ts'
import { isSameProcess, revisionFor, snapshotOf } from './snapshot.ts'

/**
 * The revision to run:
 *
 * 1. While what is declared cannot be carried out, the one that runs or is being rolled out, as if nothing had been edited. So too where it
 *    needs another process, and no secrets can be had for one.
 * 2. With `spec.revision`, that earlier one, exactly as it was.
 * 3. Otherwise the one that the declared inputs make.
 * 4. If that one failed before and no input has changed since, the last good one instead.
 */
export function aimOf(input: FeedInput): Aim {
  const serving = findRevision(input, input.memory.serving?.revision)
  const current = findRevision(input, input.memory.rollout?.revision) ?? serving
  const violation = firstViolation(input)
  if (violation) return { why: 'held', revision: current, violation }
  const pinned = findRevision(input, input.declared?.resource.spec.revision)
  const declared = pinned ?? declaredRevision(input)
  const unread = unreadSecrets(input, declared, current)
  if (unread) return { why: 'held', revision: current, violation: unread }
  if (hasFailed(input, declared)) return { why: 'rolled-back', revision: serving, declared }
  return { why: pinned ? 'pinned' : 'declared', revision: declared }
}

/** No new process can be given what a Vault does not tell now; one that runs has it with itself. */
function unreadSecrets({ secrets }: FeedInput, declared: Revision, current: Revision | undefined): Violation | undefined {
  for (const [owner, view] of Object.entries(secrets)) {
    if (!view || !('isAssumed' in view) || !view.trouble) continue
    if (current && isSameProcess(current.snapshot, declared.snapshot)) return undefined
    return violationOf(owner, view.trouble)
  }
  return undefined
}

/** A token that asks to try the failed revision once more, if it was not carried out yet. */
export function newRequest(input: FeedInput, name: keyof typeof requestAnnotations): string | undefined {
  const token = input.declared?.resource.metadata.annotations?.[requestAnnotations[name]]
  return token !== undefined && token !== input.memory.requests[name] ? token : undefined
}

/** The checks have passed, so nothing that it refers to is missing. */
function declaredRevision(input: FeedInput): Revision {
  const snapshot = snapshotOf(input)
  if (!snapshot) throw new Error(`${input.key}: the checks passed, and something that it refers to is missing`)
  return revisionFor(input, snapshot)
}

function hasFailed(input: FeedInput, declared: Revision): boolean {
  const { failure } = input.memory
  return failure?.inputsDigest === declared.inputsDigest && newRequest(input, 'retry') === undefined
}

/**
 * Which try of a revision's image this is: one per revision, and one more per retry that was asked for. Numbers begin anew where a feed is
 * deleted and declared again.
 */
export function attemptOf({ declared }: FeedInput, revision: Revision): string {
  return `r${revision.number} ${revision.createdAt} ${declared?.resource.metadata.annotations?.[requestAnnotations.retry] ?? ''}`
}
