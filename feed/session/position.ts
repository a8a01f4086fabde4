import type { Line } from './line.ts'

/**
 * Where a session's publishing stands: per instrument the newest published tick. Handed from one account to the other at a flip,
 * kept by the supervisor in between, and written to disk so that a restart goes on with it. Typed arrays, because 20,000 lines
 * cross a process border while the gate is closed.
 */
export type Position = {
  /** Taken from a closed gate: nothing was published after it. Otherwise a checkpoint, after which more may have been. */
  exact: boolean
  /** Until when ticks are with the bus: what a crash takes along is younger. Of a closed gate, when it closed. */
  at: number
  instruments: string[]
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

export function emptyPosition(at: number): Position {
  return pack([], true, at)
}

/** The position of all lines that have published. */
export function positionOf(lines: Iterable<Line>, exact: boolean, at: number): Position {
  return pack(
    [...lines].filter(line => line.sequence > 0),
    exact,
    at,
  )
}

/** Puts the lines where the position says. Lines that it does not name have published nothing, or nothing that is known. */
export function takeOver(lines: Map<string, Line>, position: Position): void {
  const margin = position.exact ? 0 : checkpointMargin
  for (const line of lines.values()) place(line, margin, 0, 0, 0)
  for (const [i, instrument] of position.instruments.entries()) {
    const line = lines.get(instrument)
    if (line === undefined) continue
    place(line, (position.sequence[i] ?? 0) + margin, position.time[i] ?? 0, position.volume[i] ?? 0, position.hash[i] ?? 0)
    line.anchored = true
  }
}

/**
 * `base` with the lines of `newer` over it: instruments that only the older one names keep their sequence.
 */
export function joined(base: Position, newer: Position): Position {
  const named = new Set(newer.instruments)
  const kept = [...base.instruments.keys()].filter(i => !named.has(base.instruments[i] ?? ''))
  if (kept.length === 0) return newer
  const column = (name: 'sequence' | 'time' | 'volume' | 'hash') =>
    Float64Array.from([...newer[name], ...kept.map(i => base[name][i] ?? 0)])
  return {
    exact: newer.exact,
    at: newer.at,
    instruments: [...newer.instruments, ...kept.map(i => base.instruments[i] ?? '')],
    sequence: column('sequence'),
    time: column('time'),
    volume: column('volume'),
    hash: column('hash'),
  }
}

function pack(lines: Line[], exact: boolean, at: number): Position {
  return {
    exact,
    at,
    instruments: lines.map(line => line.instrument),
    sequence: Float64Array.from(lines, line => line.sequence),
    time: Float64Array.from(lines, line => line.time),
    volume: Float64Array.from(lines, line => line.volume),
    hash: Float64Array.from(lines, line => line.hash),
  }
}

function place(line: Line, sequence: number, time: number, volume: number, hash: number): void {
  line.sequence = sequence
  line.time = time
  line.volume = volume
  line.hash = hash
  line.anchored = false
}
