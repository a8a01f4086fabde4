import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { stalled } from '../../crds/contract/fault.ts'

/** One per version of the schema, in order; a file of version n has run the first n. Never edited once released. */
const migrations = [
  `
  CREATE TABLE installation (id TEXT NOT NULL, digest_key BLOB NOT NULL) STRICT;
  CREATE TABLE declared (
    kind TEXT NOT NULL, key TEXT NOT NULL, generation INTEGER NOT NULL, digest TEXT NOT NULL,
    resource TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE last_good (file TEXT PRIMARY KEY, objects TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE status (kind TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE memory (key TEXT PRIMARY KEY, memory TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE revision (
    feed TEXT NOT NULL, number INTEGER NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT,
    inputs_digest TEXT NOT NULL, image_digest TEXT, snapshot TEXT NOT NULL, PRIMARY KEY (feed, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    type TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL, count INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX event_of_resource ON event (kind, key, sequence);
  `,
  `
  CREATE TABLE last_epoch (key TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE retired_host (key TEXT PRIMARY KEY, resource TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE held_deletion (id INTEGER PRIMARY KEY CHECK (id = 1), since INTEGER NOT NULL, ids TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE drill (key TEXT PRIMARY KEY, feed TEXT, memory TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX drill_under_way ON drill (feed);
  `,
  `
  CREATE TABLE stack (key TEXT PRIMARY KEY, memory TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
]

/** Which controller this is, for as long as its state lives. `digestKey` keys the digests of secrets and never leaves the process. */
export type Installation = { id: string; digestKey: Buffer }

/**
 * Opens the controller's state, making it when absent: one SQLite file, readable by its user only, in write-ahead mode. A commit
 * survives kill -9; `synchronous=FULL` makes it survive the loss of power too. Throws a stalled Fault `StateTooNew` for a file of
 * a newer version and `StateUnreadable` for one that is not ours, or may not be opened.
 */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = open(path)
  try {
    migrate(database, path)
  } catch (error) {
    database.close()
    throw error
  }
  if (path !== ':memory:') chmodSync(path, 0o600)
  return database
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 2000 })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw stalled('StateUnreadable', `${path} cannot be opened (${why}): let the controller read and write it`, cause)
  }
}

export function installationOf(database: DatabaseSync): Installation {
  const row = database.prepare('SELECT id, digest_key FROM installation').get()
  return { id: String(row?.id), digestKey: Buffer.from(row?.digest_key as Uint8Array) }
}

/** Runs the writes as one: all of them are kept or none. */
export function transaction<T>(database: DatabaseSync, writes: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = writes()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // A commit that fails for want of space has rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = versionOf(database, path)
  if (version > migrations.length)
    throw stalled(
      'StateTooNew',
      `${path} was written by a newer controller (schema ${version}, this one reads ${migrations.length}): start that version`,
    )
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  if (version === migrations.length) return
  transaction(database, () => {
    for (const migration of migrations.slice(version)) database.exec(migration)
    if (version === 0) database.prepare('INSERT INTO installation VALUES (?, ?)').run(randomUUID(), randomBytes(32))
    database.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

function versionOf(database: DatabaseSync, path: string): number {
  const what = `${path} is not the state of a controller: move it away, or name another --state`
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    const isOurs = version === 0 ? tables.length === 0 : tables.some(({ name }) => name === 'installation')
    if (isOurs) return version
  } catch (cause) {
    throw stalled('StateUnreadable', what, cause)
  }
  throw stalled('StateUnreadable', what)
}
