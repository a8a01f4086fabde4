import type { Line } from './line.ts'

/**
 * Where a session's publishing stands: per instrument the newest published tick, or sequence 0 where there is none. Handed from one
 * account to the other at a flip, kept by the supervisor in between, and written to disk so that a restart goes on with it. Columns,
 * because 20,000 lines cross two process borders while no gate is open.
 */
export type Position = {
  /** Taken from a closed gate: nothing was published after it. Otherwise a checkpoint, after which more may have been. */
  exact: boolean
  /** Until when ticks are with the bus: what a crash takes along is younger. Of a closed gate, when it closed. */
  at: number
  /** Their names, one a line: one text crosses a process border in a tenth of the time of 20,000. */
  instruments: string
  sequence: Float64Array
  time: Float64Array
  volume: Float64Array
  hash: Float64Array
}

/**
 * How far sequences jump where a session goes on from a checkpoint: more than any instrument publishes between two checkpoints,
 * so that no number is used twice in an epoch. Consumers see the jump as the gap that it is.
 */
const checkpointMargin = 10_000

const columns = ['sequence', 'time', 'volume', 'hash'] as const

export function emptyPosition(at: number): Position {
  return columnsFor([], true, at)
}

/** The position of these lines. */
export function positionOf(lines: Iterable<Line>, exact: boolean, at: number): Position {
  const list = [...lines]
  const position = columnsFor(
    list.map(line => line.instrument),
    exact,
    at,
  )
  const { sequence, time, volume, hash } = position
  for (let i = 0; i < list.length; i++) {
    const line = list[i] as Line
    sequence[i] = line.sequence
    time[i] = line.time
    volume[i] = line.volume
    hash[i] = line.hash
  }
  return position
}

/** Puts the lines where the position says. Lines that it does not name have published nothing, or nothing that is known. */
export function takeOver(lines: Map<string, Line>, position: Position): void {
  const margin = position.exact ? 0 : checkpointMargin
  // Two sessions of one desired state have the same lines in the same order.
  const isAlike = position.instruments === [...lines.keys()].join('\n')
  const places = isAlike ? undefined : placesOf(position)
  let next = 0
  for (const line of lines.values())
    place(line, position, places === undefined ? next++ : (places.get(line.instrument) ?? -1), margin)
}

/** `base` with the lines of `newer` over it: what only the older one knows keeps its sequence. */
export function joined(base: Position, newer: Position): Position {
  if (base.instruments === newer.instruments && knowsAllOf(base, newer)) return newer
  const places = placesOf(newer)
  const names = instrumentsOf(newer)
  const kept: [from: number, to: number][] = []
  for (const [from, name] of instrumentsOf(base).entries()) {
    const to = places.get(name) ?? names.push(name) - 1
    if (base.sequence[from] !== 0 && !newer.sequence[to]) kept.push([from, to])
  }
  const position = columnsFor(names, newer.exact, newer.at)
  for (const column of columns) {
    position[column].set(newer[column])
    for (const [from, to] of kept) position[column][to] = base[column][from] ?? 0
  }
  return position
}

/** The names of its lines, in the order of its columns. */
export function instrumentsOf({ instruments }: Position): string[] {
  return instruments === '' ? [] : instruments.split('\n')
}

/** A position of these lines, all at 0. */
export function columnsFor(instruments: string[], exact: boolean, at: number): Position {
  const column = () => new Float64Array(instruments.length)
  return { exact, at, instruments: instruments.join('\n'), sequence: column(), time: column(), volume: column(), hash: column() }
}

function placesOf(position: Position): Map<string, number> {
  return new Map(instrumentsOf(position).map((name, i) => [name, i]))
}

function knowsAllOf(base: Position, newer: Position): boolean {
  for (let i = 0; i < base.sequence.length; i++) if (newer.sequence[i] === 0 && base.sequence[i] !== 0) return false
  return true
}

function place(line: Line, { sequence, time, volume, hash }: Position, i: number, margin: number): void {
  const known = sequence[i] ?? 0
  line.sequence = known + margin
  line.time = time[i] ?? 0
  line.volume = volume[i] ?? 0
  line.hash = hash[i] ?? 0
  line.anchored = known > 0
}
