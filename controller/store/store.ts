import type { DatabaseSync } from 'node:sqlite'
import { type Installation, installationOf, openDatabase, transaction } from './database.ts'
import { type DeclaredStore, declaredStore } from './declared.ts'
import { type DrillStore, drillStore } from './drill.ts'
import { type EventStore, eventStore } from './event.ts'
import { type HeldStore, heldStore } from './held.ts'
import { type LastGoodStore, lastGoodStore } from './lastgood.ts'
import { type MemoryStore, memoryStore } from './memory.ts'
import { type RevisionStore, revisionStore } from './revision.ts'
import { type StackStore, stackStore } from './stack.ts'
import { type StatusStore, statusStore } from './status.ts'

/** Everything that the controller remembers. Calls are synchronous: the file is local and small. */
export type Store = {
  installation: Installation
  declared: DeclaredStore
  status: StatusStore
  memory: MemoryStore
  revisions: RevisionStore
  events: EventStore
  lastGood: LastGoodStore
  held: HeldStore
  drills: DrillStore
  stacks: StackStore
  /** Runs the writes as one: all of them are kept or none. */
  transaction<T>(writes: () => T): T
  close(): void
}

/** Opens the state in a file, or in memory with `:memory:`. See `openDatabase` for what it throws. */
export function openStore(path: string): Store {
  const database = openDatabase(path)
  return storeOf(database, () => database.close())
}

/** The store as it is read from an open database. */
export function storeOf(database: DatabaseSync, close: () => void): Store {
  return {
    installation: installationOf(database),
    declared: declaredStore(database),
    status: statusStore(database),
    memory: memoryStore(database),
    revisions: revisionStore(database),
    events: eventStore(database),
    lastGood: lastGoodStore(database),
    held: heldStore(database),
    drills: drillStore(database),
    stacks: stackStore(database),
    transaction: writes => transaction(database, writes),
    close,
  }
}
