import { describe, expect, it } from 'vitest'
import { interleaved, median, percentile } from './sample.ts'

describe('percentiles', () => {
  it('lie between the nearest ranks', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(percentile([1, 2, 3, 4, 5], 0.75)).toBe(4)
    expect(percentile([7], 0.99)).toBe(7)
  })

  it('of nothing are not a number', () => {
    expect(median([])).toBeNaN()
  })
})

describe('turns', () => {
  it('give every variant each place as often as the others', async () => {
    const order: string[] = []
    const variant = (name: string) => async () => order.push(name)
    const samples = await interleaved(2, { a: variant('a'), b: variant('b') }, new AbortController().signal)
    expect(order).toEqual(['a', 'b', 'b', 'a'])
    expect(samples).toEqual({ a: [1, 4], b: [2, 3] })
  })

  it('end with the signal', async () => {
    const stop = AbortSignal.abort(new Error('enough'))
    await expect(interleaved(1, { a: async () => 1 }, stop)).rejects.toThrow('enough')
  })
})
