import { describe, expect, it } from 'vitest'
import { emptyPosition, type Position } from '../session/position.ts'
import { Ledger } from './ledger.ts'
import type { StateDirectory } from './state.ts'

const at = (sequence: number, exact: boolean): Position => ({
  ...{ exact, at: 0, instruments: 'rb2605' },
  rows: Float64Array.of(sequence, 0, 0, 0),
})

/** A ledger, and what it has written. */
function opened(saved?: Position) {
  const written: Position[] = []
  const state = { savePosition: (position: Position) => void written.push(position) } as unknown as StateDirectory
  const ledger = new Ledger(state, saved, error => {
    throw error
  })
  return { ledger, written }
}

describe('what the disk says while a gate is open', () => {
  it('that more may have been published, from the first gate on', () => {
    for (const saved of [undefined, emptyPosition(0), at(7, true)]) {
      const { ledger, written } = opened(saved)
      ledger.opened()
      expect(written.map(({ exact }) => exact)).toEqual([false])
    }
  })

  it('is not written again where it says so', () => {
    const { ledger, written } = opened(at(7, false))
    ledger.take(at(9, true))
    ledger.opened()
    expect(written).toEqual([])
    expect(ledger.position).toEqual(at(9, false))
  })

  it('is written again after a stop in good order, and after a disk that could not be written', () => {
    const { ledger, written } = opened(at(7, false))
    ledger.take(at(9, true))
    ledger.save()
    ledger.opened()
    expect(written).toEqual([at(9, true), at(9, false)])
    ledger.opened()
    expect(written.length).toBe(2)

    let isFull = true
    const failures: unknown[] = []
    const saves: boolean[] = []
    const savePosition = ({ exact }: Position) => {
      if (isFull) throw new Error('no space left')
      saves.push(exact)
    }
    const other = new Ledger({ savePosition } as unknown as StateDirectory, at(7, true), error => failures.push(error))
    other.opened()
    isFull = false
    other.opened()
    expect([failures.length, saves]).toEqual([1, [false]])
  })
})
