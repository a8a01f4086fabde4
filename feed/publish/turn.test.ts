import { expect, it } from 'vitest'
import { Turn } from './turn.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

it('ends after its work and goes on in the next turn of the loop', async () => {
  const done: number[] = []
  let left = 5
  const work = () => {
    let count = 0
    for (; left > 0 && turn.hasLeft; left--, count++) turn.spend()
    done.push(count)
  }
  const turn = new Turn(2, work)
  work()
  work()
  expect(done).toEqual([2, 0])
  for (let i = 0; i < 4; i++) await nextTurn()
  expect(done).toEqual([2, 0, 2, 1, 0])
})

it('does nothing more once it has ended', async () => {
  let renewed = 0
  const turn = new Turn(1, () => renewed++)
  turn.spend()
  turn.end()
  await nextTurn()
  expect(renewed).toBe(0)
})
