import type { DatabaseSync } from 'node:sqlite'

/** What each file last declared without a mistake, so that a bad file keeps it across a restart of the controller. */
export type LastGoodStore = {
  load(): Map<string, unknown>
  /** `undefined` forgets the file. */
  save(file: string, objects: unknown): void
}

export function lastGoodStore(database: DatabaseSync): LastGoodStore {
  const upsert = database.prepare('INSERT OR REPLACE INTO last_good VALUES (?, ?)')
  const remove = database.prepare('DELETE FROM last_good WHERE file = ?')
  return {
    load: () =>
      new Map(
        database
          .prepare('SELECT * FROM last_good')
          .all()
          .map(row => [String(row.file), JSON.parse(String(row.objects))]),
      ),
    save(file, objects) {
      if (objects === undefined) remove.run(file)
      else upsert.run(file, JSON.stringify(objects))
    },
  }
}
