import { describe, expect, it } from 'vitest'
import { simulate } from './simulation.ts'

/** `npm run simulate` runs as many as wanted. */
const seeds = 500

describe('a controller under seeded disasters', () => {
  it(`keeps every invariant in ${seeds} seeds, and converges each time`, { timeout: 300_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { violation, convergedMs } = await simulate(seed)
      expect(violation, `replay: npm run simulate -- --seed ${seed} --trace`).toBeUndefined()
      expect(convergedMs).toBeDefined()
    }
  })

  it('does the same, to the last line, when a seed is run again, whatever ran before', async () => {
    const first = await simulate(7)
    await simulate(8)
    const second = await simulate(7)
    expect(second.digest).toBe(first.digest)
    expect(second.lines).toEqual(first.lines)
    expect((await simulate(9)).digest).not.toBe(first.digest)
  })
})
