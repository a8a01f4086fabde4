import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { fullChunkBytes, patienceMs, Turns } from './turns.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A socket that notes what it is told. */
function openTurns() {
  const said: string[] = []
  return { said, turns: new Turns({ pause: () => said.push('pause') as never, resume: () => said.push('resume') as never }) }
}

/** A turn of the loop that reads so many chunks, and the next one. */
function turn(turns: Turns, chunks: number): void {
  for (let i = 0; i < chunks; i++) turns.count(fullChunkBytes)
  vi.advanceTimersByTime(0)
}

it('gives everything else its turn after one chunk, where more waits', () => {
  const { said, turns } = openTurns()
  turn(turns, 1)
  expect(said).toEqual(['pause', 'resume'])
  turn(turns, 1)
  expect(said).toEqual(['pause', 'resume', 'pause', 'resume'])
})

it('reads on where all was read', () => {
  const { said, turns } = openTurns()
  turns.count(fullChunkBytes - 1)
  turns.count(1)
  expect(said).toEqual([])
})

it('reads first where more has waited for too long, until nothing waits', () => {
  const { said, turns } = openTurns()
  turn(turns, 1)
  vi.advanceTimersByTime(patienceMs)
  said.length = 0
  turn(turns, 32)
  expect(said).toEqual([])
  turns.count(100)
  turn(turns, 1)
  expect(said).toEqual(['pause', 'resume'])
})
