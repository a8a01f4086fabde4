import { expect, it } from 'vitest'
import type { Position } from '../session/position.ts'
import { bodyOf, positionBodySchema, positionIn } from './positionbody.ts'

const position: Position = {
  exact: true,
  at: 1_596_420_000_000,
  instruments: 'AP010\nSPD TA009&TA108',
  rows: Float64Array.of(7, 1_596_420_000_500, 12, 2 ** 51 + 1, 1, 0, 0, 3),
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
