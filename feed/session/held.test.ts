import { describe, expect, it } from 'vitest'
import { HeldPushes, maxHeldTicks, type Push } from './held.ts'
import { depthWith } from './testing.ts'

const five = (n: number): number[] => [n, n + 1, n + 2, n + 3, n + 4]

const pushOf = (n: number): Push => ({
  depth: {
    ...depthWith({ TradingDay: `${n}`, ActionDay: `${n + 1}`, UpdateTime: `${n + 2}`, UpdateMillisec: n, Volume: n + 1 }),
    ...{ LastPrice: n, PreSettlementPrice: n + 1, PreClosePrice: n + 2, PreOpenInterest: n + 3, OpenPrice: n + 4 },
    ...{
      HighestPrice: n + 5,
      LowestPrice: n + 6,
      Turnover: n + 7,
      OpenInterest: n + 8,
      ClosePrice: n + 9,
      SettlementPrice: n + 10,
    },
    ...{ UpperLimitPrice: n + 11, LowerLimitPrice: n + 12, AveragePrice: n + 13 },
    ...{ BidPrice: five(n), BidVolume: five(n + 5), AskPrice: five(n + 10), AskVolume: five(n + 15) },
  },
  receivedAt: n + 0.25,
  exchangeTime: n % 3 === 0 ? null : n,
  time: n,
  hash: n,
  snapshot: n % 2 === 0,
})

describe('held pushes', () => {
  it('are the newest ones of each of many lines, whole and in order', () => {
    const held = new HeldPushes()
    held.reserve(300)
    for (let n = 1; n <= 11; n++) for (let line = 0; line < 300; line++) held.hold(line, pushOf(n * 1000 + line))
    for (let line = 0; line < 300; line++) {
      const read = Array.from({ length: held.count(line) }, (_, k) => structuredClone(held.read(line, k, 'AP010')))
      expect(read).toEqual([8, 9, 10, 11].map(n => pushOf(n * 1000 + line)))
    }
    expect(held.count(0)).toBe(maxHeldTicks)
  })

  it('are found by their time and hash, or by what they say', () => {
    const held = new HeldPushes()
    held.reserve(1)
    for (let n = 1; n <= 6; n++) held.hold(0, pushOf(n))
    expect([held.find(0, 3, 3), held.find(0, 6, 6), held.find(0, 2, 2)]).toEqual([0, 3, -1])
    expect(held.findPush(0, (time, volume) => time > 4 && volume > 5)).toBe(2)
  })

  it('give way to the mark of what was published, which goes like any other', () => {
    const held = new HeldPushes()
    held.reserve(1)
    for (let n = 1; n <= 3; n++) held.hold(0, pushOf(n))
    held.mark(0, 9, 9)
    expect([held.count(0), held.find(0, 9, 9), held.findPush(0, () => true)]).toEqual([1, 0, -1])
    expect(held.read(0, 0, 'AP010')).toBeUndefined()
    for (let n = 1; n <= 4; n++) held.hold(0, pushOf(n))
    expect(held.find(0, 9, 9)).toBe(-1)
  })
})
