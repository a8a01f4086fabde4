import { describe, expect, it } from 'vitest'
import { emptyPosition, joined, namesIn, type Position, takeOver } from './position.ts'
import { Standings } from './standings.ts'

const rowOf = (sequence: number): number[] => [sequence, sequence * 1000, sequence * 10, sequence * 2 ** 40]

/** Of instruments whose newest published ticks are all made of these numbers; 0 has published nothing. */
function positionAt(sequences: Record<string, number>, exact = true): Position {
  const rows = Float64Array.from(Object.values(sequences).flatMap(rowOf))
  return { exact, at: 7, instruments: Object.keys(sequences).join('\n'), rows }
}

function takenOver(instruments: string, position: Position) {
  const standings = new Standings()
  standings.reserve(5)
  for (let line = 0; line < 5; line++) standings.pass(line, 9, 9, 9)
  takeOver(instruments, standings, position)
  return namesIn(instruments).map((name, line) => ({
    name,
    row: [standings.sequence(line), standings.time(line), standings.volume(line), standings.hash(line)],
    isAnchored: standings.isAnchored(line),
  }))
}

describe('a position', () => {
  it.each(['AP010\nAP011\nAP012', 'AP012\nAP010\nAP013\nAP011'])(
    'puts the lines of another session where it was taken, in whatever order that has them',
    instruments => {
      const sequences: Record<string, number> = { AP010: 3, AP011: 0, AP012: 5 }
      expect(takenOver(instruments, positionAt(sequences))).toEqual(
        namesIn(instruments).map(name => {
          const sequence = sequences[name] ?? 0
          return { name, row: rowOf(sequence), isAnchored: sequence > 0 }
        }),
      )
    },
  )

  it('that may be behind leaves room for what was published after it, also where it knows of nothing', () => {
    const lines = takenOver('AP010\nAP011\nAP012', positionAt({ AP010: 3, AP011: 0 }, false))
    expect(lines.map(({ row, isAnchored }) => [row[0], isAnchored])).toEqual([
      [10_003, true],
      [10_000, false],
      [10_000, false],
    ])
  })
})

describe('joined positions', () => {
  it('keep what only the older one knows', () => {
    const base = positionAt({ AP010: 3, AP011: 4, AP012: 0 })
    expect(joined(base, positionAt({ AP011: 6, AP013: 1 }))).toEqual(positionAt({ AP011: 6, AP013: 1, AP010: 3, AP012: 0 }))
  })

  it('keep a sequence of the older one that the newer one has at 0', () => {
    const base = positionAt({ AP010: 3, AP011: 4 })
    expect(joined(base, positionAt({ AP010: 0, AP011: 5 }))).toEqual(positionAt({ AP010: 3, AP011: 5 }))
  })

  it('are the newer one where that knows all lines, and of what was before it only that', () => {
    const newer = positionAt({ AP010: 3, AP011: 4 })
    expect(joined(positionAt({ AP010: 2, AP011: 4 }), newer)).toEqual(newer)
    expect(joined(emptyPosition(1), newer)).toEqual(newer)
    expect(joined(newer, emptyPosition(8))).toEqual({ ...newer, at: 8 })
  })
})
