import { afterEach, describe, expect, it } from 'vitest'
import type { Instrument } from '../../crds/contract/catalogue.ts'
import { openCalendar } from '../calendar/open.ts'
import { Hours } from './hours.ts'
import { Stage } from './stage.ts'

const commodity: Instrument['windows'] = {
  day: [
    ['09:00:00', '10:15:00'],
    ['10:30:00', '11:30:00'],
    ['13:30:00', '15:00:00'],
  ],
}
const index: Instrument['windows'] = {
  day: [
    ['09:30:00', '11:30:00'],
    ['13:00:00', '15:00:00'],
  ],
}

/** Monday, 5 January 2026, a trading day, in Asia/Shanghai. */
function monday(hour: number, minute: number, second = 0): number {
  return Date.UTC(2026, 0, 5, hour - 8, minute, second)
}

describe('the trading hours', () => {
  const some = [commodity, index, commodity].map(
    (windows, number): Instrument => ({
      id: `x${number}`,
      exchange: 'DCE',
      product: 'x',
      class: 'future',
      multiplier: 1,
      priceTick: 1,
      windows,
    }),
  )

  it('begin with an auction and an open for each group of instruments, and end', () => {
    const hours = new Hours(some, openCalendar({ type: 'china-futures' }), monday(8, 0))
    const seen: [string, string, number[]][] = []
    for (let at = monday(8, 0); at < monday(16, 0); at += 1000)
      for (const { what, numbers } of hours.turn(at))
        seen.push([what, new Date(at + 8 * 3_600_000).toISOString().slice(11, 19), [...numbers]])
    expect(seen).toEqual([
      ['auction', '08:59:00', [0, 2]],
      ['open', '09:00:00', [0, 2]],
      ['auction', '09:29:00', [1]],
      ['open', '09:30:00', [1]],
      ['open', '10:30:00', [0, 2]],
      ['open', '13:00:00', [1]],
      ['open', '13:30:00', [0, 2]],
    ])
    expect([...hours.closed]).toEqual([1, 1, 1])
  })

  it('have no burst for who comes in the middle of a session', () => {
    const hours = new Hours(some, openCalendar({ type: 'china-futures' }), monday(10, 20))
    expect([...hours.closed]).toEqual([1, 0, 1])
    expect(hours.turn(monday(10, 20, 1))).toEqual([])
  })

  let stage: Stage | undefined
  afterEach(() => stage?.close())

  it('let every instrument tick in the first second of a session, and none before', async () => {
    stage = await Stage.open({ rate: 2, hours: 'china-futures', startsAt: monday(8, 59, 59) })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605', 'AP007'])
    await witness.until(() => ['cs1605', 'c1605', 'AP007'].every(id => witness.ticksOf(id).length > 2))
    for (const id of ['cs1605', 'c1605', 'AP007']) {
      const [stale, first] = witness.ticksOf(id)
      expect([stale?.UpdateTime, first?.UpdateTime.slice(0, 7)]).toEqual(['08:59:59', '09:00:0'])
    }
  })
})
