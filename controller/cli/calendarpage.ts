import type { CalendarDay, CalendarGroup, CalendarSession, CalendarView } from '../../crds/contract/calendar.ts'
import { marketClock, renderSpan } from './duration.ts'
import { paint } from './terminal.ts'

/** Products named on one line; of more the number is told. */
const maxNamed = 12

/** The page of `feedctl calendar`: a paragraph for each group, a line for each day. */
export function renderCalendar(key: string, view: CalendarView, colour: boolean): string {
  const { type, at, tradingDay, horizon, overrides } = view
  const file = overrides === undefined ? '' : `, overrides ${overrides}`
  const known = type === 'always' ? '' : `, holidays known for ${horizon.days} trading days (until ${horizon.knownUntil})`
  const head = `${key}  ${type}${file}  ${dateOf(at)} ${marketClock(at)} Asia/Shanghai, trading day ${tradingDay}${known}\n`
  return head + view.groups.map(group => `\n${groupText(group, view, colour)}`).join('')
}

function groupText(group: CalendarGroup, { days, at, type }: CalendarView, colour: boolean): string {
  const { products, instruments, delivery } = group
  const named =
    products.length > maxNamed
      ? `${products.slice(0, maxNamed).join(' ')} and ${products.length - maxNamed} more`
      : products.join(' ')
  const expired = delivery && delivery.expired > 0 ? `, ${delivery.expired} expired` : ''
  const months = delivery ? `, delivery ${delivery.first} to ${delivery.last}${expired}` : ''
  const title = `${named}  (${instruments} instruments${months})\n  ${stateText(group, at, colour)}\n`
  if (type === 'always') return title
  const before = group.sessions.filter(({ date }) => date < (days[0]?.date ?? ''))
  const yesterday = before.length > 0 ? `  ${weekdayOf(before[0]?.date ?? '')} ${before.map(sessionText).join(', ')}\n` : ''
  return title + yesterday + days.map(day => `  ${dayText(day, group)}\n`).join('')
}

function stateText({ open, nextChange }: CalendarGroup, at: number, colour: boolean): string {
  const word = open ? paint('open', 'good', colour) : 'closed'
  if (nextChange === undefined) return open ? `${word} at every moment` : `${word}, and never opens`
  const when = `${dateOf(nextChange)} ${marketClock(nextChange)}, in ${renderSpan(nextChange - at)}`
  return `${word}, ${open ? 'closes' : 'opens'} ${when}`
}

function dayText(day: CalendarDay, { sessions, windows }: CalendarGroup): string {
  const head = `${weekdayOf(day.date)} ${day.date}`
  if (!day.isTradingDay) return `${head}  closed: ${day.name ?? 'no trading day'}`
  const today = sessions.filter(({ date }) => date === day.date)
  const name = day.name === undefined ? '' : ` (${day.name})`
  // Catalogues have both `night: []` and no night at all.
  const noNight = windows.night?.length && !day.hasNight ? 'no night: a holiday follows' : ''
  const texts = [...today.map(sessionText), noNight].filter(text => text !== '')
  return `${head}  ${texts.join(', ') || 'over'}${name}`
}

function sessionText({ kind, begins, ends, tradingDay }: CalendarSession): string {
  const span = `${marketClock(begins)}-${marketClock(ends)}`
  return kind === 'night' ? `night ${span} (${tradingDay})` : span
}

const dateOf = (at: number): string => new Date(at + 8 * 3_600_000).toISOString().slice(0, 10)

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const weekdayOf = (date: string): string => weekdays[new Date(date).getUTCDay()] ?? ''
