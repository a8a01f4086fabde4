import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Instrument } from '../../crds/contract/catalogue.ts'
import { Activity } from './activity.ts'
import { ExchangeClock } from './clock.ts'
import { Market } from './market.ts'
import { Pacer } from './pacer.ts'

const startedAt = Date.UTC(2026, 0, 5, 1)

function instruments(count: number): Instrument[] {
  return Array.from({ length: count }, (_, number) => ({
    id: `rb${2601 + number}`,
    exchange: 'SHFE',
    product: 'rb',
    class: 'future',
    multiplier: 10,
    priceTick: 1,
    windows: { day: [] },
  }))
}

/** All ticks of the first seconds, as the simulator makes them when it is asked at these moments. */
function ticksOf(seed: number, rate: number, moments: number[]): string[] {
  const market = new Market(instruments(20), seed, startedAt, new ExchangeClock())
  const activity = new Activity(20, seed, rate)
  const pacer = new Pacer(20, activity.opportunities, 0)
  return moments.flatMap(moment =>
    pacer.due(moment).flatMap(({ from, to, round, at, everyMs }) => {
      const pushes: string[] = []
      for (let number = from; number < to; number++) {
        if (!activity.ticks(number, round)) continue
        market.step(number, startedAt + at + (number - from) * everyMs)
        pushes.push(market.batch(Int32Array.of(number)).bytes.toString('hex'))
      }
      return pushes
    }),
  )
}

/** Ticks of each instrument in 200 seconds. */
function countsOf(activity: Activity, count: number): number[] {
  const rounds = 200 * activity.opportunities
  return Array.from({ length: count }, (_, number) => {
    let ticks = 0
    for (let round = 0; round < rounds; round++) if (activity.ticks(number, round)) ticks++
    return ticks
  })
}

describe('the schedule of ticks', () => {
  it('is the same, byte for byte, for the same seed and start, however often it is asked', () => {
    // No pause is longer than an interval at 3 ticks a second, so that no round is left out.
    const pauses = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.double({ min: 0.1, max: 3, noNaN: true }), pauses, (seed, rate, gaps) => {
        const moments = gaps.map((_, index) => gaps.slice(0, index + 1).reduce((sum, gap) => sum + gap, 0))
        const end = moments.at(-1) ?? 0
        const evenly = [...Array.from({ length: Math.floor(end / 5) }, (_, index) => (index + 1) * 5), end]
        expect(ticksOf(seed, rate, moments)).toEqual(ticksOf(seed, rate, evenly))
      }),
      { numRuns: 60 },
    )
  })

  it('is another for another seed', () => {
    expect(ticksOf(1, 1, [400, 800])).not.toEqual(ticksOf(2, 1, [400, 800]))
  })

  it('keeps the rate over all, with few busy instruments and many quiet ones', () => {
    const counts = countsOf(new Activity(2000, 1, 0.5), 2000).sort((a, b) => b - a)
    const total = counts.reduce((sum, count) => sum + count, 0)
    expect(total / 200 / 2000).toBeCloseTo(0.5, 1)
    expect(counts[0]).toBe(400)
    expect(counts[1000]).toBeLessThan(0.25 * 200)
    expect(counts.slice(0, 400).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0.6 * total)
  })

  it('lets all tick alike at the most that a front pushes', () => {
    expect(new Set(countsOf(new Activity(100, 1, 2), 100))).toEqual(new Set([400]))
  })

  it('lets single instruments trickle whatever the rate', () => {
    const activity = new Activity(100, 1, 2)
    activity.setTrickles(number => (number < 50 ? 0.1 : -1))
    const counts = countsOf(activity, 100)
    expect(counts.slice(0, 50).reduce((sum, count) => sum + count, 0) / 50).toBeCloseTo(20, -1)
    expect(new Set(counts.slice(50))).toEqual(new Set([400]))
  })
})
