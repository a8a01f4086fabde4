import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LatencyWindow } from './latency.ts'

it('has percentiles within nine percent above the exact ones', () => {
  const latencies = fc.array(fc.double({ min: 0.002, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(latencies, values => {
      const window = new LatencyWindow()
      for (const value of values) window.add(value, 5000)
      const sorted = values.toSorted((a, b) => a - b)
      const { p50, p99, max } = window.summary(5000)
      for (const [found, part] of [
        [p50, 0.5],
        [p99, 0.99],
      ] as const) {
        const exact = sorted[Math.ceil(sorted.length * part) - 1] ?? 0
        expect(found).toBeGreaterThanOrEqual(exact * 0.999)
        expect(found).toBeLessThanOrEqual(exact * 1.092)
      }
      expect(max).toBe(sorted.at(-1))
    }),
  )
})

it('forgets what is older than ten seconds', () => {
  const window = new LatencyWindow()
  window.add(500, 1000)
  window.add(1, 10_999)
  expect(window.summary(10_999).max).toBe(500)
  expect(window.summary(11_000).max).toBe(1)
  expect(window.summary(30_000)).toEqual({ p50: 0, p99: 0, max: 0 })
})

it('takes a clock that stepped back, and an hour, for what they are', () => {
  const window = new LatencyWindow()
  window.add(-5, 0)
  expect(window.summary(0).p99).toBe(0)
  window.add(3_600_000, 0)
  expect(window.summary(0).max).toBe(3_600_000)
})
