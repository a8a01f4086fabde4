import type { DatabaseSync } from 'node:sqlite'
import type { Status } from '../../crds/kinds.ts'
import { type FeedMemory, memoryStore } from '../store/memory.ts'
import type { RevisionState } from '../store/revision.ts'

/** What is on the controller's disk about feeds, read past all caches, for whoever checks. */
export type DiskView = {
  memory(key: string): FeedMemory | undefined
  /** The highest epoch that is remembered, of a feed that is declared or not. */
  epoch(key: string): number
  declared(key: string): { generation: number; isSuspended: boolean; isStopped: boolean } | undefined
  /** Logins that declared Credentials allow. */
  logins(key: string): number | undefined
  status(key: string): Status<'Feed'> | undefined
  revisions(key: string): { number: number; state: RevisionState }[]
  isHeld(): boolean
  /** What is no feed and not Ready. */
  unready(): string[]
}

export function viewDisk(database: DatabaseSync): DiskView {
  const store = memoryStore(database)
  const declared = database.prepare(
    `SELECT generation, json_extract(resource, '$.spec.suspend') AS suspended, json_extract(resource, '$.spec.state') AS state
     FROM declared WHERE kind = 'Feed' AND key = ?`,
  )
  const logins = database.prepare(
    "SELECT json_extract(resource, '$.spec.logins') AS logins FROM declared WHERE kind = 'Credentials' AND key = ?",
  )
  const status = database.prepare("SELECT status FROM status WHERE kind = 'Feed' AND key = ?")
  const revisions = database.prepare('SELECT number, state FROM revision WHERE feed = ? ORDER BY number')
  const others = database.prepare("SELECT * FROM status WHERE kind <> 'Feed'")
  const held = database.prepare('SELECT 1 FROM held_deletion')
  return {
    memory: key => store.get(key),
    epoch: key => store.get(key)?.epoch ?? store.lastEpoch(key),
    declared(key) {
      const row = declared.get(key)
      if (!row) return undefined
      return { generation: Number(row.generation), isSuspended: row.suspended === 1, isStopped: row.state === 'Stopped' }
    },
    logins(key) {
      const row = logins.get(key)
      return row && Number(row.logins)
    },
    status(key) {
      const row = status.get(key)
      return row && (JSON.parse(String(row.status)) as Status<'Feed'>)
    },
    revisions: key => revisions.all(key).map(row => ({ number: Number(row.number), state: row.state as RevisionState })),
    unready: () =>
      others.all().flatMap(row => {
        const { conditions } = JSON.parse(String(row.status)) as Status<'Host'>
        const ready = conditions?.find(({ type }) => type === 'Ready')
        return ready?.status === 'True' ? [] : [`${row.kind}/${row.key} Ready=${ready?.status} ${ready?.reason}`]
      }),
    isHeld: () => held.get() !== undefined,
  }
}
