import { expect, it } from 'vitest'
import type { CalendarView } from '../../crds/contract/calendar.ts'
import { renderCalendar } from './calendarpage.ts'

const at = Date.parse('2026-09-30T16:00:00+08:00')

function page(night: CalendarView['groups'][number]['windows']['night']): string {
  const group = { products: ['CZCE.AP'], instruments: 1, windows: { day: [], night }, open: false, sessions: [] }
  const days = [{ date: '2026-09-30', isTradingDay: true, hasNight: false }]
  const horizon = { days: 60, knownUntil: '2026-12-31', isShort: false }
  return renderCalendar('n/f', { type: 'china-futures', at, tradingDay: '20260930', horizon, days, groups: [group] }, false)
}

it('tells of the night that a holiday takes away, of products that have one', () => {
  expect(page([['21:00:00', '23:00:00']])).toContain('Wed 2026-09-30  no night: a holiday follows')
  expect(page([])).toContain('Wed 2026-09-30  over')
  expect(page(undefined)).toContain('Wed 2026-09-30  over')
})
