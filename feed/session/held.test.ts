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
    const places = Array.from({ length: 300 }, () => HeldPushes.place())
    for (let n = 1; n <= 11; n++) for (const [i, place] of places.entries()) held.hold(place, pushOf(n * 1000 + i))
    for (const [i, place] of places.entries()) {
      const read = Array.from({ length: place.count }, (_, k) => structuredClone(held.read(place, k, 'AP010')))
      expect(read).toEqual([8, 9, 10, 11].map(n => pushOf(n * 1000 + i)))
    }
    expect(places[0]?.count).toBe(maxHeldTicks)
  })

  it('are found by their time and hash, or by what they say', () => {
    const held = new HeldPushes()
    const place = HeldPushes.place()
    for (let n = 1; n <= 6; n++) held.hold(place, pushOf(n))
    expect([held.find(place, 3, 3), held.find(place, 6, 6), held.find(place, 2, 2)]).toEqual([0, 3, -1])
    expect(held.findPush(place, (time, volume) => time > 4 && volume > 5)).toBe(2)
  })

  it('give way to the mark of what was published, which goes like any other', () => {
    const held = new HeldPushes()
    const place = HeldPushes.place()
    for (let n = 1; n <= 3; n++) held.hold(place, pushOf(n))
    held.mark(place, 9, 9)
    expect([place.count, held.find(place, 9, 9), held.findPush(place, () => true)]).toEqual([1, 0, -1])
    expect(held.read(place, 0, 'AP010')).toBeUndefined()
    for (let n = 1; n <= 4; n++) held.hold(place, pushOf(n))
    expect(held.find(place, 9, 9)).toBe(-1)
  })
})
