import type { Desired, Live } from '../../../crds/contract/desired.ts'
import { digestOf, keepText } from '../../../crds/contract/digest.ts'
import type { Revision } from '../../store/revision.ts'

/** What of `desired.live` is no part of a revision: it is operation, and changes without a rollout. */
export type Operation = Pick<Live, 'role' | 'active' | 'standby'>

/** What the feed is told: a revision's settings, its role, and who is active. */
export function desiredOf(feed: string, revision: Revision, epoch: number, { role, active, standby }: Operation): Desired {
  const { launch, live } = revision.snapshot
  return { version: 1, feed, revision: revision.number, epoch, launch, live: { role, active, standby, ...live } }
}

const digests = new WeakMap<Revision, Map<string, string>>()

/** Digest of `desired.live`, as the feed reports it. Remembered per revision, because a revision can hold 20,000 instruments. */
export function liveDigestOf(revision: Revision, operation: Operation): string {
  const known = digests.get(revision) ?? new Map<string, string>()
  digests.set(revision, known)
  const memo = `${operation.role} ${operation.active} ${operation.standby}`
  keepText(revision.snapshot.live.instrumentGroups)
  const digest = known.get(memo) ?? digestOf(desiredOf('', revision, 0, operation).live)
  known.set(memo, digest)
  return digest
}
