import { deliveryMonthOf, deliveryText, isOver } from '../../crds/contract/delivery.ts'
import { matches } from '../../crds/contract/glob.ts'
import type { AccountListing, Subscription, SubscriptionCounts, SubscriptionQuestion } from '../../crds/contract/subscriptions.ts'
import type { Calendar } from '../calendar/calendar.ts'
import type { Line } from './line.ts'
import { instrumentNotFound } from './subscriptions.ts'

type Selection = Pick<SubscriptionQuestion, 'include' | 'exclude' | 'silentAfterSeconds'>

/** Whose clock and calendar decide about silence. */
export type Moment = { calendar: Calendar; now: number }

/** The lines that a question names, counted, and as many of them as it asks for, in the order of the desired state. */
export function listingOf(lines: Iterable<Line>, question: SubscriptionQuestion, moment: Moment): AccountListing {
  const { states, limit, after } = question
  const counts = { desired: 0, pending: 0, acknowledged: 0, pushed: 0, ticking: 0, silent: 0, rejected: 0, quarantined: 0 }
  const found: Line[] = []
  let isPast = after === undefined
  for (const line of selected(lines, question)) {
    const state = stateOf(line, question.silentAfterSeconds, moment)
    count(counts, line, state)
    const isWanted = states.length === 0 || states.includes(state) || (isAcknowledged(state) && states.includes('acknowledged'))
    if (isPast && isWanted && found.length <= limit) found.push(line)
    if (line.instrument === after) isPast = true
  }
  const items = found.slice(0, limit).map(line => subscriptionOf(line, question.silentAfterSeconds, moment))
  const last = items.at(-1)
  return { counts, items, ...(found.length > limit && last !== undefined ? { next: last.instrument } : {}) }
}

/** The lines whose names the patterns take. */
export function* selected(lines: Iterable<Line>, { include, exclude }: Selection): Generator<Line> {
  const takes = (globs: string[], { exchange, instrument }: Line) =>
    globs.some(glob => matches(glob, instrument) || matches(glob, `${exchange}.${instrument}`))
  for (const line of lines) {
    if (include.length > 0 && !takes(include, line)) continue
    if (!takes(exclude, line)) yield line
  }
}

/** What has become of a line's subscription. */
export function stateOf(line: Line, silentAfterSeconds: number, { calendar, now }: Moment): Subscription['state'] {
  if (line.state === 'rejected') return line.errorId === instrumentNotFound ? 'quarantined' : 'rejected'
  if (line.state !== 'acknowledged') return 'pending'
  const since = Math.max(line.acknowledgedAt, line.freshAt)
  const boundMs = silentAfterSeconds * 1000
  // Most have ticked just now: the calendar is asked about the others only.
  if (now - since > boundMs && calendar.openMs(line.hours.windows, since, now) > boundMs) return 'silent'
  return line.freshAt > 0 ? 'ticking' : 'acknowledged'
}

const isAcknowledged = (state: Subscription['state']): boolean => ['acknowledged', 'ticking', 'silent'].includes(state)

function count(counts: SubscriptionCounts, line: Line, state: Subscription['state']): void {
  counts.desired++
  counts[state]++
  if (state === 'ticking' || state === 'silent') counts.acknowledged++
  if (isAcknowledged(state) && line.seen) counts.pushed++
}

function subscriptionOf(line: Line, silentAfterSeconds: number, moment: Moment): Subscription {
  const { instrument, exchange, seen, errorId, acknowledgedAt, freshAt } = line
  const state = stateOf(line, silentAfterSeconds, moment)
  const delivery = deliveryMonthOf(exchange, instrument, moment.now)
  const reason = reasonOf(line, state, delivery !== undefined && isOver(delivery, moment.now))
  return {
    instrument,
    exchange,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(line.state === 'rejected' && errorId !== 0 ? { errorId } : {}),
    ...(isAcknowledged(state) ? { acknowledgedAt } : {}),
    ...(freshAt > 0 ? { lastTickAt: freshAt } : {}),
    pushed: seen,
    ...(delivery === undefined ? {} : { delivery: deliveryText(delivery) }),
  }
}

function reasonOf(line: Line, state: Subscription['state'], isExpired: boolean): string | undefined {
  if (state === 'rejected' || state === 'quarantined')
    return isExpired ? `${line.reason}; its delivery month is over` : line.reason
  if (state === 'silent') return line.seen ? 'no fresh tick since' : 'nothing was pushed since the acknowledgement'
  if (state !== 'pending') return undefined
  return line.state === 'sent' ? `asked for ${line.attempts} times, not answered` : 'not asked for yet on this connection'
}
