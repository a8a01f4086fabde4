import type { DatabaseSync } from 'node:sqlite'
import type { Account } from '../../crds/contract/desired.ts'
import type { DrillResult, DrillVerdict, ProvenPath } from '../../crds/failoverdrill.ts'

/**
 * Where a drill stands. Each phase is persisted before its first act.
 *
 * - `failing-over`: the other account shall publish.
 * - `verifying`: it publishes, and is held to what was before; for the hold time at least.
 * - `failing-back`: the first account shall publish again.
 * - `confirming`: it does, and is held to the same.
 * - `restoring`: something went wrong; the first account shall publish again, and nothing is judged any more.
 */
export type DrillPhase = 'failing-over' | 'verifying' | 'failing-back' | 'confirming' | 'restoring'

/** Messages that a consumer is behind by, delivered to it or not. */
export type Behind = Record<string, number>

/** One look, for the evidence. */
export type DrillSample = {
  at: number
  phase: DrillPhase
  active: Account
  epoch: number
  coverage: number
  gaps: number
  /** ms since 1970: newest fresh tick of the account that publishes. */
  lastTickAt?: number
  behind?: Behind
}

/** A flip that the drill ordered. `orderedAt` is the controller's clock, `at` the feed's; both ms since 1970. */
export type DrillFlip = NonNullable<DrillResult['failover']> & { orderedAt: number; at: number }

/** A drill under way. Times are ms since 1970. */
export type DrillRun = {
  id: string
  trigger: DrillResult['trigger']
  /** Which life of the controller began it: a later one only restores. */
  life: string
  /** The feed as it was: its generation, the process that served, its epoch, its recorded gaps, coverage, and who was how far behind. */
  feed: string
  generation: number
  processStartedAt: number
  epoch: number
  gaps: number
  coverage: number
  behind?: Behind
  from: Account
  to: Account
  /** What it is held to, as it was declared when it began. */
  holdMs: number
  failoverMs: number
  failbackMs: number
  maxGrowth: number
  market: 'closed' | 'open' | 'any'
  startedAt: number
  phase: DrillPhase
  phaseSince: number
  /** Since when the feed has not answered. */
  silentSince?: number
  failover?: DrillFlip
  verifiedAt?: number
  failback?: DrillFlip
  worst?: Behind
  samples: DrillSample[]
  /** Why it is being restored, and what comes of that. */
  trouble?: { verdict: Extract<DrillVerdict, 'fail' | 'aborted'>; reason: string; message: string }
}

/** What is remembered of a FailoverDrill. */
export type DrillMemory = {
  /** When it was first seen, ms since 1970: it is overdue from then on. */
  since: number
  /** The schedule that `nextAt` was worked out from. */
  schedule?: { text: string; nextAt?: number }
  requests: Record<string, string>
  run?: DrillRun
  /** Newest last, bounded by its history limit. */
  results: DrillResult[]
  proven: ProvenPath[]
  lastPassAt?: string
}

export type DrillStore = {
  get(drill: string): DrillMemory | undefined
  /** Drills that are remembered, declared or not. */
  list(): string[]
  /** The drill that is under way on a feed: its key, and where it stands. */
  underWay(feed: string): { drill: string; run: DrillRun } | undefined
  /** Writes where it differs. */
  put(drill: string, memory: DrillMemory): void
  remove(drill: string): void
}

export function drillStore(database: DatabaseSync): DrillStore {
  const select = database.prepare('SELECT memory FROM drill WHERE key = ?')
  const keys = database.prepare('SELECT key FROM drill ORDER BY key')
  const selectRun = database.prepare('SELECT key, memory FROM drill WHERE feed = ? ORDER BY key LIMIT 1')
  const upsert = database.prepare('INSERT OR REPLACE INTO drill VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM drill WHERE key = ?')
  return {
    get: drill => {
      const text = select.get(drill)?.memory as string | undefined
      return text === undefined ? undefined : (JSON.parse(text) as DrillMemory)
    },
    list: () => keys.all().map(row => String(row.key)),
    underWay: feed => {
      const row = selectRun.get(feed)
      const run = row && (JSON.parse(String(row.memory)) as DrillMemory).run
      return run && { drill: String(row.key), run }
    },
    put(drill, memory) {
      const text = JSON.stringify(memory)
      if (select.get(drill)?.memory !== text) upsert.run(drill, memory.run?.feed ?? null, text)
    },
    remove: drill => void remove.run(drill),
  }
}
