import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { openDatabase } from '../store/database.ts'
import type { Fates } from './fate.ts'
import { Killed, type Life } from './life.ts'
import type { Random } from './random.ts'
import type { Trace } from './trace.ts'

/** The controller's disk: the real database, in memory, with an identity that the seed determines. */
export function openDisk(random: Random): DatabaseSync {
  const database = openDatabase(':memory:')
  const identity = database.prepare('UPDATE installation SET id = ?, digest_key = ?')
  identity.run(`simulated-${random.hex(8)}`, Buffer.from(random.hex(64), 'hex'))
  return database
}

export type Disk = {
  fates: Fates
  trace: Trace
  /** While true, nothing can be written. */
  isFull: boolean
  /** Statements that took effect so far. */
  writes: number
  /** The newest of them. */
  written: string
  statements: Map<string, StatementSync>
}

/**
 * The database as one life of the controller writes to it: each statement and each commit may fail before or after it took effect, or
 * be the moment in which the controller dies. What is not committed then is rolled back.
 */
export function mortalDatabase(database: DatabaseSync, life: Life, disk: Disk): DatabaseSync {
  const guarded = <T>(text: string, write: () => T): T => {
    if (life.isOver) throw new Killed()
    const fate = disk.isFull ? 'fails-before' : disk.fates.of('store')
    if (fate !== 'goes-well') disk.trace.add('store', `${text} ${fate}`)
    if (fate === 'crashes-before') die(life)
    if (fate === 'fails-before') throw new Error('database or disk is full')
    const result = write()
    disk.writes++
    disk.written = text
    if (fate === 'crashes-after') die(life)
    if (fate === 'fails-after') throw new Error('disk I/O error')
    return result
  }
  const prepare = (sql: string): Pick<StatementSync, 'get' | 'all' | 'run'> => {
    const statement = disk.statements.get(sql) ?? database.prepare(sql)
    disk.statements.set(sql, statement)
    const text = sql.slice(0, 40)
    return {
      get: (...parts: never[]) => statement.get(...parts),
      all: (...parts: never[]) => statement.all(...parts),
      run: (...parts: never[]) => guarded(text, () => statement.run(...parts)),
    }
  }
  const exec = (sql: string) => (sql === 'COMMIT' ? guarded(sql, () => database.exec(sql)) : database.exec(sql))
  return {
    prepare,
    exec,
    get isTransaction() {
      return database.isTransaction
    },
  } as unknown as DatabaseSync
}

function die(life: Life): never {
  life.end()
  throw new Killed()
}
