import { expect, it } from 'vitest'
import type { Position } from '../session/position.ts'
import { bodyOf, positionBodySchema, positionIn } from './positionbody.ts'

const position: Position = {
  exact: true,
  at: 1_596_420_000_000,
  instruments: 'AP010\nSPD TA009&TA108',
  sequence: Float64Array.of(7, 1),
  time: Float64Array.of(1_596_420_000_500, 0),
  volume: Float64Array.of(12, 0),
  hash: Float64Array.of(2 ** 51 + 1, 3),
}

it('comes back as it was, over JSON', () => {
  expect(positionIn(positionBodySchema.parse(JSON.parse(JSON.stringify(bodyOf(position)))))).toEqual(position)
})

it('is refused where its columns differ in length', () => {
  expect(positionBodySchema.safeParse({ ...bodyOf(position), hash: [1] }).success).toBe(false)
})

it('is refused where a name has a line break, which is what separates them', () => {
  expect(positionBodySchema.safeParse({ ...bodyOf(position), instruments: ['AP010', 'A\nB'] }).success).toBe(false)
})
