import type { DatabaseSync } from 'node:sqlite'
import type { ResourceEvent } from '../../crds/contract/event.ts'

export type NewEvent = Omit<ResourceEvent, 'sequence' | 'count'>

/** Events kept in all, and about as many of one resource: the oldest go first, and one that has much to tell forces no other's out. */
export const eventLimit = 10_000
export const resourceEventLimit = 1000

/** Events between two looks for what goes. */
const trimEvery = 100

export type EventStore = {
  /** Adds an event, or counts it up where it repeats the resource's newest one. */
  add(event: NewEvent): ResourceEvent
  /** Oldest first, at most `limit`, the newest of them. */
  list(filter: { kind?: string; key?: string; limit: number }): ResourceEvent[]
}

export function eventStore(database: DatabaseSync): EventStore {
  const newest = database.prepare('SELECT * FROM event WHERE kind = ? AND key = ? ORDER BY sequence DESC LIMIT 1')
  const insert = database.prepare('INSERT INTO event (at, kind, key, type, reason, message, count) VALUES (?, ?, ?, ?, ?, ?, 1)')
  const repeat = database.prepare('UPDATE event SET at = ?, count = count + 1 WHERE sequence = ?')
  const trim = database.prepare(
    'DELETE FROM event WHERE sequence <= (SELECT sequence FROM event ORDER BY sequence DESC LIMIT 1 OFFSET ?)',
  )
  const crowded = database.prepare('SELECT kind, key FROM event GROUP BY kind, key HAVING count(*) > ?')
  const trimResource = database.prepare(
    'DELETE FROM event WHERE kind = ?1 AND key = ?2 AND sequence <= (SELECT sequence FROM event WHERE kind = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1 OFFSET ?3)',
  )
  const select = database.prepare(
    'SELECT * FROM event WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR key = ?2) ORDER BY sequence DESC LIMIT ?3',
  )
  return {
    add(event) {
      const last = fromRow(newest.get(event.kind, event.key))
      if (last && sameEvent(last, event)) {
        repeat.run(event.at, last.sequence)
        return { ...last, at: event.at, count: last.count + 1 }
      }
      const { lastInsertRowid } = insert.run(event.at, event.kind, event.key, event.type, event.reason, event.message)
      const sequence = Number(lastInsertRowid)
      if (sequence % trimEvery === 0) {
        for (const { kind = '', key = '' } of crowded.all(resourceEventLimit)) trimResource.run(kind, key, resourceEventLimit)
        // Of those that are left: the sequence counts on over all that ever was.
        trim.run(eventLimit)
      }
      return { ...event, sequence, count: 1 }
    },
    list: ({ kind, key, limit }) =>
      select
        .all(kind ?? null, key ?? null, limit)
        .flatMap(row => fromRow(row) ?? [])
        .reverse(),
  }
}

function sameEvent(a: NewEvent, b: NewEvent): boolean {
  return a.type === b.type && a.reason === b.reason && a.message === b.message
}

function fromRow(row: Record<string, unknown> | undefined): ResourceEvent | undefined {
  return row && ({ ...row } as ResourceEvent)
}
