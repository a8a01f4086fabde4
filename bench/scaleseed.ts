import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SimulatedEngine } from '../controller/simulation/engine.ts'

/** What there is of a feed. */
const tables = ['declared', 'last_good', 'status', 'memory', 'revision'] as const

type Cell = string | number | null

/**
 * Makes more feeds of one that has converged, each with its state and its container, as if the controller had brought all of them up, which
 * takes minutes for thousands. That nothing is left to do for them is then what the measurement insists on.
 */
export async function copyFeed(from: string, names: string[], state: string, engine: SimulatedEngine): Promise<void> {
  const database = new DatabaseSync(join(state, 'controller.db'))
  database.exec('BEGIN')
  for (const table of tables) copyRows(database, table, from, names)
  database.exec('COMMIT')
  database.close()
  const signal = AbortSignal.timeout(60_000)
  const [model] = [...engine.workloads.values()].filter(({ name }) => name.includes(from))
  if (!model) throw new Error(`${from} has no container`)
  for (const name of names) {
    const spec = renamed(model.spec, from, name)
    await engine.create(spec, signal)
    await engine.start(spec.name, signal)
  }
}

function copyRows(database: DatabaseSync, table: string, from: string, names: string[]): void {
  const rows = database
    .prepare(`SELECT * FROM ${table}`)
    .all()
    .filter(({ key, feed, file }) => String(key ?? feed ?? file).includes(from))
  for (const row of rows) {
    const cells = Object.values(row) as Cell[]
    const insert = database.prepare(`INSERT INTO ${table} VALUES (${cells.map(() => '?').join(', ')})`)
    for (const name of names) insert.run(...cells.map(cell => renamed(cell, from, name)))
  }
}

function renamed<T>(value: T, from: string, to: string): T {
  return JSON.parse(JSON.stringify(value).replaceAll(from, to)) as T
}
