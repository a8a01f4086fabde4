import { inRow, rowNumbers, type Standings } from './standings.ts'

/**
 * Where a session's publishing stands: per instrument the newest published tick, or sequence 0 where there is none. Handed from one
 * account to the other at a flip, kept by the supervisor in between, and written to disk so that a restart goes on with it. A table of numbers,
 * because 20,000 lines cross two process borders while no gate is open.
 */
export type Position = {
  /** Taken from a closed gate: nothing was published after it. Otherwise a checkpoint, after which more may have been. */
  exact: boolean
  /** Until when ticks are with the bus: what a crash takes along is younger. Of a closed gate, when it closed. */
  at: number
  /** Their names, one a line: one text crosses a process border in a tenth of the time of 20,000. */
  instruments: string
  /** A row for each: sequence, time, volume and hash. */
  rows: Float64Array
}

/**
 * How far sequences jump where a session goes on from a checkpoint: more than any instrument publishes between two checkpoints,
 * so that no number is used twice in an epoch. Consumers see the jump as the gap that it is.
 */
const checkpointMargin = 10_000

export function emptyPosition(at: number): Position {
  return { exact: true, at, instruments: '', rows: new Float64Array(0) }
}

/** Puts lines of these names, one a row, where the position says. Those that it does not name have published nothing, or nothing that is known. */
export function takeOver(instruments: string, standings: Standings, position: Position): void {
  // Two sessions of one desired state have the same lines in the same order.
  const rows = position.instruments === instruments ? position.rows : rowsFor(namesIn(instruments), position)
  standings.put(rows, position.exact ? 0 : checkpointMargin)
}

/** `base` with the lines of `newer` over it: what only the older one knows keeps its sequence. */
export function joined(base: Position, newer: Position): Position {
  if (base.instruments === newer.instruments && knowsAllOf(base, newer)) return newer
  const places = placesOf(newer)
  const names = namesIn(newer.instruments)
  const kept: [from: number, to: number][] = []
  for (const [from, name] of namesIn(base.instruments).entries()) {
    const to = places.get(name) ?? names.push(name) - 1
    if (base.rows[from * rowNumbers] !== 0 && !newer.rows[to * rowNumbers]) kept.push([from, to])
  }
  const rows = new Float64Array(names.length * rowNumbers)
  rows.set(newer.rows)
  for (const [from, to] of kept) rows.set(rowOf(base, from), to * rowNumbers)
  return { ...newer, instruments: names.join('\n'), rows }
}

/** A position's table by columns, as it lies on disk and goes over HTTP: versions before had it so, and a rollback reads it. */
export type Columns = Record<keyof typeof inRow, ArrayLike<number>>

const columnNames = Object.keys(inRow) as (keyof typeof inRow)[]

export function columnsOf({ rows }: Position): Record<keyof typeof inRow, Float64Array> {
  const column = () => new Float64Array(rows.length / rowNumbers)
  const columns = { sequence: column(), time: column(), volume: column(), hash: column() }
  for (const name of columnNames)
    for (let i = 0; i < columns[name].length; i++) columns[name][i] = rows[i * rowNumbers + inRow[name]] ?? 0
  return columns
}

export function rowsOf(columns: Columns): Float64Array {
  const rows = new Float64Array(columns.sequence.length * rowNumbers)
  for (const name of columnNames)
    for (let i = 0; i < columns[name].length; i++) rows[i * rowNumbers + inRow[name]] = columns[name][i] ?? 0
  return rows
}

/** The names of a position, in the order of its rows. */
export function namesIn(instruments: string): string[] {
  return instruments === '' ? [] : instruments.split('\n')
}

function rowsFor(names: string[], position: Position): Float64Array {
  const rows = new Float64Array(names.length * rowNumbers)
  const places = placesOf(position)
  for (const [i, name] of names.entries()) {
    const place = places.get(name)
    if (place !== undefined) rows.set(rowOf(position, place), i * rowNumbers)
  }
  return rows
}

const rowOf = ({ rows }: Position, i: number): Float64Array => rows.subarray(i * rowNumbers, (i + 1) * rowNumbers)

function placesOf({ instruments }: Position): Map<string, number> {
  return new Map(namesIn(instruments).map((name, i) => [name, i]))
}

function knowsAllOf(base: Position, newer: Position): boolean {
  for (let at = inRow.sequence; at < base.rows.length; at += rowNumbers)
    if (newer.rows[at] === 0 && base.rows[at] !== 0) return false
  return true
}
