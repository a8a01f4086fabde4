import type { DatabaseSync } from 'node:sqlite'
import { canonical } from '../../crds/contract/digest.ts'
import type { KindName, Status } from '../../crds/kinds.ts'

/** Members that move all the time: shown live, and no reason to write. */
const volatileMembers = new Set(['ticksPerSecond', 'lastTickAt', 'ticking', 'engineVersion', 'consumers', 'expiresAt'])

export type StatusStore = {
  get<K extends KindName>(kind: K, key: string): Status<K> | undefined
  /** Takes the status over; returns whether it differs in more than its volatile members, and only then writes. */
  put<K extends KindName>(kind: K, key: string, status: Status<K>): boolean
  remove(kind: KindName, key: string): void
}

export function statusStore(database: DatabaseSync): StatusStore {
  const upsert = database.prepare('INSERT OR REPLACE INTO status VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM status WHERE kind = ? AND key = ?')
  const exists = database.prepare('SELECT 1 FROM status WHERE kind = ? AND key = ?')
  const live = new Map<string, { status: unknown; lasting: string }>()
  for (const row of database.prepare('SELECT * FROM status').all()) {
    const status: unknown = JSON.parse(String(row.status))
    live.set(`${row.kind}/${row.key}`, { status, lasting: lastingText(status) })
  }
  return {
    get: <K extends KindName>(kind: K, key: string) => live.get(`${kind}/${key}`)?.status as Status<K> | undefined,
    put(kind, key, status) {
      const id = `${kind}/${key}`
      const lasting = lastingText(status)
      const before = live.get(id)
      const changed = before?.lasting !== lasting
      if (changed) {
        // A write that fails may have reached the disk all the same: the next one is made whatever it says.
        if (before) live.set(id, { ...before, lasting: '' })
        upsert.run(kind, key, JSON.stringify(status))
      }
      // The old text is kept where it is the same: thousands of new ones a resync would be garbage of the old generation.
      if (before && !changed) before.status = status
      else live.set(id, { status, lasting })
      return changed
    },
    remove(kind, key) {
      live.delete(`${kind}/${key}`)
      // Asked of the disk, because a transaction that was rolled back has brought it back there.
      if (exists.get(kind, key)) remove.run(kind, key)
    },
  }
}

function lastingText(status: unknown): string {
  return canonical(withoutVolatile(status))
}

function withoutVolatile(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (volatileMembers.has(name) ? [] : [[name, withoutVolatile(member)]])),
  )
}
