import { expect, it } from 'vitest'
import { type Line, linesOf } from './line.ts'
import { groupOf } from './testing.ts'

it('publishes under another subject once the catalogue says another exchange, and goes on with the same line', () => {
  const known = new Map<string, Line>()
  const [line] = linesOf([groupOf(['AP010'])], known)
  const lane = {} as NonNullable<Line['lane']>
  if (line) line.lane = lane
  linesOf([groupOf(['AP010', 'AP011'])], known)
  expect(known.get('AP010')?.lane).toBe(lane)
  linesOf([{ ...groupOf(['AP010']), exchange: 'DCE' }], known)
  expect(known.get('AP010')).toMatchObject({ exchange: 'DCE', lane: undefined, row: 0 })
})
