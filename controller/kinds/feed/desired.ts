import type { Account, Desired, Live } from '../../../crds/contract/desired.ts'
import { digestOf } from '../../../crds/contract/digest.ts'
import type { Revision } from '../../store/revision.ts'

/** What the feed is told: a revision's settings, and who is active. */
export function desiredOf(feed: string, revision: Revision, epoch: number, active: Account, standby: Live['standby']): Desired {
  const { launch, live } = revision.snapshot
  return { version: 1, feed, revision: revision.number, epoch, launch, live: { role: 'publisher', active, standby, ...live } }
}

const digests = new WeakMap<Revision, Map<string, string>>()

/** Digest of `desired.live`, as the feed reports it. Remembered per revision, because a revision can hold 20,000 instruments. */
export function liveDigestOf(revision: Revision, active: Account, standby: Live['standby']): string {
  const known = digests.get(revision) ?? new Map<string, string>()
  digests.set(revision, known)
  const memo = `${active} ${standby}`
  const digest = known.get(memo) ?? digestOf(desiredOf('', revision, 0, active, standby).live)
  known.set(memo, digest)
  return digest
}
