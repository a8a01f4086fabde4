import type { DatabaseSync } from 'node:sqlite'
import type { Account } from '../../crds/contract/desired.ts'
import type { FaultClass } from '../../crds/contract/fault.ts'

/** A workload that a revision runs in. `revision` is the one in force there, `container` its name, which the first one gave it. */
export type Placement = { host: string; container: string; revision: number }

/**
 * A replacement in progress. Each phase is persisted before its first step, so that a controller that dies anywhere goes on from there.
 *
 * - `preparing`: the image is looked for and pulled; nothing that runs is touched.
 * - `replacing`: the new workload is created, the old one stopped, the new one started.
 * - `proving`: the new one must show live data before `deadline`.
 * - `starting` (handover): the new workload is created and started beside the old one, muted.
 * - `rehearsing` (handover): it must show live data before `deadline`, muted; the old one publishes.
 * - `promoting` (handover): the old one's gate is closed, the new one's is opened behind it.
 * - `settling`: it must stay good for `minHealthy`; in a handover the old one runs on, muted.
 * - `reverting`: it failed; the old one is brought back.
 */
export type Rollout = {
  phase: 'preparing' | 'replacing' | 'proving' | 'starting' | 'rehearsing' | 'promoting' | 'settling' | 'reverting'
  revision: number
  /** Absent where the old workload ends before the new one starts. */
  strategy?: 'Handover'
  /** Why that strategy, or why not; from the decision on. */
  strategyReason?: string
  /** The gate may have left the old workload: from here on the new one may publish. */
  movesGate?: true
  /** Since when the new workload, which publishes, has not answered. */
  silentSince?: number
  /** When the old workload, which shall publish again and did not answer, was last started anew. */
  renewedAt?: number
  /** Where it will run; the same as `serving` when the running process takes the revision over. */
  container: string
  startedAt: number
  phaseSince: number
  deadline: number
  /** Why it was begun. */
  reason: string
  /** When it was last looked at, to within a few seconds: time in which nobody could look is added to the deadline. */
  seenAt: number
  /** Restarts of the process that takes the revision over, before it did. */
  restartsBefore: number
  /** The step of its own that failed last. */
  fault?: { class: FaultClass; reason: string; message: string }
  /** What it waits for that is no fault of the revision: time spent so does not count. */
  waits?: { reason: string; message: string }
  /** Set once it failed and there is nothing to go back to. */
  failure?: { reason: string; message: string }
}

/** A revision that failed: not tried again until an input changes or a new retry token arrives. */
export type Failure = { revision: number; inputsDigest: string; reason: string; message: string; at: number }

/**
 * The watchdog flipped; `credentialsDigest` is of what was declared then: another declaration ends the override. So does the end of the `drill` from
 * which it took the gate back.
 */
export type Override = {
  active: Account
  epoch: number
  since: number
  reason: string
  credentialsDigest: string
  drill?: string
}

/** What the controller must remember of a feed beyond what it can observe. Persisted as one value. */
export type FeedMemory = {
  /** The highest epoch ever handed out or seen. */
  epoch: number
  serving?: Placement
  rollout?: Rollout
  failure?: Failure
  override?: Override
  /** Not started, because a check before the start has failed: since when, and what was told. */
  noGo?: { since: number; message: string }
  /** Declared Stopped, since when; `reached` once nothing of it was seen to run. */
  stop?: { since: number; reached?: true }
  /** Hosts on which something of this feed may be: recorded before anything is made there, looked at until they are seen empty. */
  hosts: string[]
  /** What the feed said should become of it when it is no longer declared; absent for what is the default, to remove it. */
  deletionPolicy?: 'Orphan'
  /** The settings that a process was handed last, and took: what it reports otherwise, it does not take up. */
  pushed?: { container: string; digest: string; epoch: number; revision: number; at: number }
  /** One-shot tokens that were carried out, by annotation. */
  requests: Record<string, string>
  /** Secrets of Vaults as they were read last, by owner: which secret of which Vault, and the keyed digest of its content. */
  secrets?: Record<string, { source: string; digest: string }>
  /** How far the events of the feed's own processes were heard, by container; `startedAt` tells one process from the next. */
  heard?: Record<string, { startedAt: number; sequence: number }>
}

export type MemoryStore = {
  get(feed: string): FeedMemory | undefined
  /** Feeds that are remembered, declared or not. */
  feeds(): string[]
  put(feed: string, memory: FeedMemory): void
  /** Whether `put` would write. */
  differs(feed: string, memory: FeedMemory): boolean
  /** Forgets all but the epoch: a feed that is declared again by the same name goes on from there. */
  remove(feed: string): void
  /** The highest epoch that a feed which is no longer remembered had; 0 for an unknown one. */
  lastEpoch(feed: string): number
}

export function memoryStore(database: DatabaseSync): MemoryStore {
  const select = database.prepare('SELECT memory FROM memory WHERE key = ?')
  const keys = database.prepare('SELECT key FROM memory ORDER BY key')
  const upsert = database.prepare('INSERT OR REPLACE INTO memory VALUES (?, ?)')
  const remove = database.prepare('DELETE FROM memory WHERE key = ?')
  const retire = database.prepare(
    "INSERT OR REPLACE INTO last_epoch SELECT key, json_extract(memory, '$.epoch') FROM memory WHERE key = ?",
  )
  const selectEpoch = database.prepare('SELECT epoch FROM last_epoch WHERE key = ?')
  const textOf = (feed: string) => select.get(feed)?.memory as string | undefined
  const differs = (feed: string, memory: FeedMemory) => textOf(feed) !== JSON.stringify(memory)
  return {
    differs,
    get: feed => {
      const text = textOf(feed)
      return text === undefined ? undefined : ({ hosts: [], ...JSON.parse(text) } as FeedMemory)
    },
    feeds: () => keys.all().map(row => String(row.key)),
    put(feed, memory) {
      if (differs(feed, memory)) upsert.run(feed, JSON.stringify(memory))
    },
    remove(feed) {
      retire.run(feed)
      remove.run(feed)
    },
    lastEpoch: feed => Number(selectEpoch.get(feed)?.epoch ?? 0),
  }
}
