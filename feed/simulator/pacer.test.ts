import { describe, expect, it } from 'vitest'
import { Pacer } from './pacer.ts'

/** How often each instrument came due, asked every `everyMs` from `from` to `to`. */
function run(pacer: Pacer, count: number, from: number, to: number, everyMs: number): number[] {
  const ticks = new Array<number>(count).fill(0)
  for (let now = from; now <= to; now += everyMs) {
    for (const { from: first, to } of pacer.due(now))
      for (let number = first; number < to; number++) ticks[number] = (ticks[number] ?? 0) + 1
  }
  return ticks
}

describe('the pacer', () => {
  it('keeps the rate over an hour, however unevenly it is asked', () => {
    const pacer = new Pacer(7, 2, 0)
    expect(run(pacer, 7, 0, 3_600_000, 37.3)).toEqual(new Array(7).fill(expect.closeTo(7200, -0.5)))
    expect(pacer.late).toBe(0)
  })

  it('spreads instruments evenly over the interval', () => {
    const pacer = new Pacer(1000, 2, 0)
    for (let now = 5; now <= 2000; now += 5) {
      const due = pacer.due(now).reduce((sum, { from, to }) => sum + to - from, 0)
      expect(Math.abs(due - 10)).toBeLessThanOrEqual(1)
    }
  })

  it('leaves out the rounds that a pause missed, and counts them', () => {
    const pacer = new Pacer(10, 2, 0)
    expect(run(pacer, 10, 5000, 5000, 1)).toEqual(new Array(10).fill(1))
    expect(pacer.late).toBe(90)
  })

  it('goes on where it was when the rate changes', () => {
    const pacer = new Pacer(10, 1, 0)
    expect(pacer.due(500)).toMatchObject([{ from: 0, to: 5, round: 0, at: 100, everyMs: 100 }])
    pacer.setRate(2, 500)
    expect(pacer.due(750)).toMatchObject([{ from: 5, to: 10, round: 0, at: 550, everyMs: 50 }])
    pacer.setRate(0, 750)
    expect(pacer.due(10_000)).toEqual([])
  })
})
