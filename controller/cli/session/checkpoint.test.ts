import { describe, expect, it } from 'vitest'
import type { CalendarView } from '../../../crds/contract/calendar.ts'
import { checkpointOf, punctualityOf } from './checkpoint.ts'

const at = (text: string) => Date.parse(`${text}+08:00`)

function calendar(type: CalendarView['type'], sessions: [kind: 'day' | 'night', opens: string, ends: string][]): CalendarView {
  const group = {
    ...{ products: ['SHFE.cu'], instruments: 1, windows: { day: [] }, open: false },
    sessions: sessions.map(([kind, opens, ends]) => {
      return { date: opens.slice(0, 10), kind, tradingDay: '', opens: at(opens), begins: at(opens), ends: at(ends) }
    }),
  }
  return {
    type,
    at: 0,
    tradingDay: '',
    horizon: { days: 1, knownUntil: '', isShort: true },
    days: [],
    groups: [group],
  } as CalendarView
}

const trading = calendar('china-futures', [
  ['night', '2026-01-05T20:55', '2026-01-06T02:30'],
  ['day', '2026-01-06T08:55', '2026-01-06T15:00'],
  ['day', '2026-01-07T08:55', '2026-01-07T15:00'],
])

describe('the checkpoint', () => {
  it('is five minutes before the first call auction of the window', () => {
    const expected = { at: at('2026-01-06T08:50'), opens: at('2026-01-06T08:55'), product: 'SHFE.cu' }
    expect(checkpointOf([trading], 'day', at('2026-01-06T08:00'))).toEqual(expected)
    expect(checkpointOf([trading], 'night', at('2026-01-05T20:00'))).toMatchObject({ at: at('2026-01-05T20:50') })
  })

  it('is that of the session that is on, for whoever starts in the middle of it, and of the next one after it', () => {
    expect(checkpointOf([trading], 'day', at('2026-01-06T10:00'))).toMatchObject({ at: at('2026-01-06T08:50') })
    expect(checkpointOf([trading], 'day', at('2026-01-06T15:00'))).toMatchObject({ at: at('2026-01-07T08:50') })
  })

  it('is that of the feed that opens first', () => {
    const earlier = calendar('china-futures', [['day', '2026-01-06T08:45', '2026-01-06T15:00']])
    expect(checkpointOf([trading, earlier], 'day', at('2026-01-06T08:00'))).toMatchObject({ at: at('2026-01-06T08:40') })
  })

  it('is none on a holiday, and has no time where the market never closes', () => {
    expect(checkpointOf([calendar('china-futures', [])], 'day', 0)).toBeUndefined()
    expect(checkpointOf([calendar('always', [])], 'day', 0)).toEqual({})
    expect(checkpointOf([], 'day', 0)).toBeUndefined()
  })
})

describe('being ready', () => {
  const opens = at('2026-01-06T08:55')
  const due = { at: at('2026-01-06T08:50'), opens, product: 'SHFE.cu' }
  it.each([
    ['08:35', true, 'ready 15m before T-5 of SHFE.cu'],
    ['08:50', true, 'ready 0ms before'],
    ['08:52', false, 'ready 2m after T-5 of SHFE.cu'],
  ])('at %s is in time: %s', (time, isMet, words) => {
    const found = punctualityOf(due, 'day', at(`2026-01-06T${time}`))
    expect(found).toEqual({ isMet, message: expect.stringContaining(words) })
    expect(found.message).toContain(new Date(opens).toISOString())
  })

  it('is in time for a market that never closes, and in vain without a session', () => {
    expect(punctualityOf({}, 'day', 0)).toMatchObject({ isMet: true })
    expect(punctualityOf(undefined, 'night', 0)).toEqual({ isMet: false, message: 'no feed has a night session within a week' })
  })
})
