import { describe, expect, it } from 'vitest'
import { type Line, linesOf } from './line.ts'
import { columnsFor, emptyPosition, joined, type Position, positionOf, takeOver } from './position.ts'
import { groupOf } from './testing.ts'

/** Lines whose newest published ticks are all made of these numbers; 0 has published nothing. */
function linesAt(sequences: Record<string, number>): Map<string, Line> {
  const lines = new Map<string, Line>()
  linesOf([groupOf(Object.keys(sequences))], lines)
  takeOver(lines, positionAt(sequences))
  return lines
}

function positionAt(sequences: Record<string, number>, exact = true): Position {
  const position = columnsFor(Object.keys(sequences), exact, 7)
  for (const [i, sequence] of Object.values(sequences).entries()) {
    position.sequence[i] = sequence
    position.time[i] = sequence * 1000
    position.volume[i] = sequence * 10
    position.hash[i] = sequence * 2 ** 40
  }
  return position
}

const stands = ({ instrument, sequence, time, volume, hash, anchored }: Line) =>
  [instrument, sequence, time, volume, hash, anchored] as const

describe('a position', () => {
  it('puts the lines of another session where it was taken, in whatever order that has them', () => {
    const from = linesAt({ AP010: 3, AP011: 0, AP012: 5 })
    for (const names of [
      ['AP010', 'AP011', 'AP012'],
      ['AP012', 'AP010', 'AP011'],
    ]) {
      const to = linesAt(Object.fromEntries(names.map(name => [name, 9])))
      takeOver(to, positionOf(from.values(), true, 7))
      expect([...to.values()].map(stands).toSorted()).toEqual([
        ['AP010', 3, 3000, 30, 3 * 2 ** 40, true],
        ['AP011', 0, 0, 0, 0, false],
        ['AP012', 5, 5000, 50, 5 * 2 ** 40, true],
      ])
    }
  })

  it('that may be behind leaves room for what was published after it, also where it knows of nothing', () => {
    const lines = linesAt({ AP010: 0, AP011: 0, AP012: 0 })
    takeOver(lines, positionAt({ AP010: 3, AP011: 0 }, false))
    expect([...lines.values()].map(({ sequence, anchored }) => [sequence, anchored])).toEqual([
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
