import { digestOf } from '../crds/contract/digest.ts'
import type { Problem } from './sources/problem.ts'
import { objectKey, type Snapshot } from './sources/source.ts'
import { wholeFile } from './sources/syntax.ts'
import type { Declared } from './store/declared.ts'
import type { Held } from './store/held.ts'

/**
 * A sync that would remove more than this share of the declared feeds, and at least so many, is held. Whoever tidies up removes a few;
 * a wrong folder, branch or filter takes most away. One feed is always removed at once: its file was removed for that.
 */
export const heldDeletion = { share: 0.5, feeds: 2 } as const

/** What approves a hold: exactly these objects of this hold, and none that was added or of a later one. */
export function approvalOf(held: Held): string {
  return digestOf(held).slice('v1:'.length, 'v1:'.length + 12)
}

/**
 * The deletions that must not take effect, or `undefined`. A hold that has begun lasts until every feed of it is declared again: while
 * files come back one by one, the last of them are fewer than half.
 */
export function heldDeletions(
  { objects, complete }: Pick<Snapshot, 'objects' | 'complete'>,
  declared: Declared[],
  before: Held | undefined,
  now: number,
): Held | undefined {
  const ids = declared.map(({ resource }) => objectKey(resource)).filter(id => !objects.has(id))
  const goesOn = before !== undefined && feedsOf(before.ids).some(id => ids.includes(id))
  if (goesOn) return { since: before.since, ids: complete ? ids.sort() : before.ids.filter(id => ids.includes(id)) }
  const gone = feedsOf(ids).length
  const all = declared.filter(({ resource }) => resource.kind === 'Feed').length
  const isHeld = complete && gone >= heldDeletion.feeds && gone > all * heldDeletion.share
  return isHeld ? { since: now, ids: ids.sort() } : undefined
}

/** Keys (`namespace/name`) of the feeds that a hold keeps. */
export function heldFeeds({ ids }: Held): string[] {
  return feedsOf(ids).map(id => id.slice('Feed/'.length))
}

/**
 * One for each feed, where it was declared last. The text is the same however the hold grows and shrinks, so that each is told once.
 */
export function deletionProblems(held: Held, find: (feed: string) => Declared | undefined): Problem[] {
  return heldFeeds(held).flatMap(key => {
    const declared = find(key)
    return declared ? problemOf(declared) : []
  })
}

function problemOf({ resource: { kind, metadata }, origin: { file, line } }: Declared): Problem {
  return {
    ...wholeFile(file),
    line,
    ...{ kind, namespace: metadata.namespace, name: metadata.name },
    category: 'deletion',
    reason: 'DeletionHeld',
    message: 'no longer declared, as are most feeds at once; it runs on as it was declared',
    hint: 'bring the declaration back, or see `feedctl approve` to let it go',
  }
}

function feedsOf(ids: string[]): string[] {
  return ids.filter(id => id.startsWith('Feed/'))
}
