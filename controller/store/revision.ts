import type { DatabaseSync } from 'node:sqlite'
import type { Launch, Live } from '../../crds/contract/desired.ts'
import type { FeedSpec } from '../../crds/feed.ts'

/**
 * All resolved inputs of a revision, so that rolling back is exact even when the profile or a set was edited since. No secret is in it:
 * `secretDigests` are keyed. Who is active, and whether reconciling is suspended, are operation and no part of it (ADR 1).
 */
export type Snapshot = {
  hostRef: string
  image: string
  container: FeedSpec['container']
  launch: Launch
  live: Pick<Live, 'rateLimits' | 'watchdog' | 'instrumentGroups'>
  secretDigests: Record<string, string>
}

export type RevisionState = 'pending' | 'good' | 'failed'

export type Revision = {
  number: number
  createdAt: number
  state: RevisionState
  reason: string | undefined
  /** Digest of the snapshot. */
  inputsDigest: string
  /** Content address of the image, once it is known; what this revision runs from then on, wherever the tag moves. */
  imageDigest: string | undefined
  snapshot: Snapshot
}

export type RevisionStore = {
  /** Oldest first. */
  list(feed: string): Revision[]
  /** Inserts or replaces. */
  put(feed: string, revision: Revision): void
  remove(feed: string, numbers: number[]): void
}

export function revisionStore(database: DatabaseSync): RevisionStore {
  const select = database.prepare('SELECT * FROM revision WHERE feed = ? ORDER BY number')
  const upsert = database.prepare('INSERT OR REPLACE INTO revision VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM revision WHERE feed = ? AND number = ?')
  const cache = new Map<string, Revision[]>()
  const read = (feed: string) => {
    const revisions = select.all(feed).map(fromRow)
    cache.set(feed, revisions)
    return revisions
  }
  return {
    list: feed => cache.get(feed) ?? read(feed),
    put(feed, { number, createdAt, state, reason, inputsDigest, imageDigest, snapshot }) {
      cache.delete(feed)
      upsert.run(feed, number, createdAt, state, reason ?? null, inputsDigest, imageDigest ?? null, JSON.stringify(snapshot))
    },
    remove(feed, numbers) {
      // The cache holds parsed snapshots of 20,000 instruments, and digests hang on their identity: it goes only when it must.
      if (numbers.length === 0) return
      cache.delete(feed)
      for (const number of numbers) remove.run(feed, number)
    },
  }
}

function fromRow(row: Record<string, unknown>): Revision {
  return {
    number: Number(row.number),
    createdAt: Number(row.created_at),
    state: row.state as RevisionState,
    reason: (row.reason as string | null) ?? undefined,
    inputsDigest: String(row.inputs_digest),
    imageDigest: (row.image_digest as string | null) ?? undefined,
    snapshot: JSON.parse(String(row.snapshot)) as Snapshot,
  }
}
