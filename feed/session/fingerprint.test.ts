import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Depth } from '../gateways/depth.ts'
import { fingerprintOf, repeated } from './fingerprint.ts'
import { depthWith } from './testing.ts'

const base = depthWith({
  BidPrice: [1, 2, 3, 4, 5],
  BidVolume: [1, 2, 3, 4, 5],
  AskPrice: [6, 7, 8, 9, 10],
  AskVolume: [6, 7, 8, 9, 10],
})
const fields = [
  'LastPrice',
  'Volume',
  'Turnover',
  'OpenInterest',
  'OpenPrice',
  'HighestPrice',
  'LowestPrice',
  'ClosePrice',
  'SettlementPrice',
  'AveragePrice',
] as const
const books = ['BidPrice', 'BidVolume', 'AskPrice', 'AskVolume'] as const

describe('a fingerprint', () => {
  it.each(fields)('changes with %s', field => {
    expect(fingerprintOf({ ...base, [field]: 42 })).not.toBe(fingerprintOf(base))
  })

  it.each(books)('changes with each level of %s', side => {
    const prints = [0, 1, 2, 3, 4].map(level => fingerprintOf({ ...base, [side]: base[side].with(level, 99) }))
    expect(new Set([...prints, fingerprintOf(base)]).size).toBe(6)
  })

  it('is the same whatever the day of the machine that received it', () => {
    expect(fingerprintOf({ ...base, ActionDay: '20991231' })).toBe(fingerprintOf(base))
  })

  it('stays a whole number that JSON, base 36 and typed arrays keep exactly', () => {
    fc.assert(
      fc.property(fc.double(), fc.nat(), fc.nat(9), (LastPrice, Volume, times) => {
        const print = repeated(fingerprintOf({ ...base, LastPrice, Volume } satisfies Depth), times)
        expect(Number.isSafeInteger(print)).toBe(true)
        expect(Number.parseInt(print.toString(36), 36)).toBe(print)
      }),
    )
  })

  it('does not collide on ten thousand neighbouring quotes', () => {
    const prints = Array.from({ length: 10_000 }, (_, i) =>
      fingerprintOf({ ...base, BidPrice: [7000 + (i % 100)], AskVolume: [Math.floor(i / 100)] }),
    )
    expect(new Set(prints).size).toBe(10_000)
  })
})
