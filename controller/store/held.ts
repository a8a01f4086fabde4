import type { DatabaseSync } from 'node:sqlite'

/** Objects that are no longer declared and stay until somebody approves, by `Kind/namespace/name`; `since` in ms since 1970. */
export type Held = { since: number; ids: string[] }

/** The one hold that there can be. It outlives the controller, so that files which come back one by one end no hold half-way. */
export type HeldStore = {
  get(): Held | undefined
  /** `undefined` ends the hold. */
  put(held: Held | undefined): void
}

export function heldStore(database: DatabaseSync): HeldStore {
  const insert = database.prepare('INSERT OR REPLACE INTO held_deletion VALUES (1, ?, ?)')
  const remove = database.prepare('DELETE FROM held_deletion')
  const row = database.prepare('SELECT since, ids FROM held_deletion').get()
  let present: Held | undefined = row && { since: Number(row.since), ids: JSON.parse(String(row.ids)) as string[] }
  return {
    get: () => present,
    put(held) {
      if (JSON.stringify(held) === JSON.stringify(present)) return
      if (held) insert.run(held.since, JSON.stringify(held.ids))
      else remove.run()
      present = held
    },
  }
}
