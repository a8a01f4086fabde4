import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Exchange } from '../../crds/contract/catalogue.ts'
import { retryRequestSchema, type SubscriptionQuestion, subscriptionQuestionSchema } from '../../crds/contract/subscriptions.ts'
import { openCalendar } from '../calendar/open.ts'
import type { FrontError } from '../gateways/gateway.ts'
import { Book } from './book.ts'
import { type Line, linesOf } from './line.ts'
import { maxAttempts, Subscriptions } from './subscriptions.ts'
import { groupOf } from './testing.ts'

const rateLimits = { loginsPerSecond: 1, subscribeBatch: 100, subscribeRequestsPerSecond: 10, maxUnacknowledged: 100 }
const monday = Date.parse('2026-11-23T09:30:00+08:00')

beforeEach(() => void vi.useFakeTimers({ now: monday }))
afterEach(() => void vi.useRealTimers())

async function booked(instruments: string[], refusals: Record<string, FrontError> = {}, exchange: Exchange = 'CZCE') {
  const requests: string[][] = []
  const outcomes: object[] = []
  const known = new Map<string, Line>()
  const subscriptions: Subscriptions = new Subscriptions({
    rateLimits,
    settled: () => undefined,
    unsubscribe: () => 0,
    subscribe: names => {
      requests.push(names)
      for (const name of names) queueMicrotask(() => subscriptions.answered(name, refusals[name]))
      return 0
    },
  })
  const book = new Book({
    subscriptions,
    calendar: openCalendar({ type: 'china-futures' }),
    rateLimits: () => rateLimits,
    unsee: line => void Object.assign(line, { seen: false }),
    done: outcome => outcomes.push(outcome),
  })
  subscriptions.want(linesOf([{ ...groupOf(instruments), exchange }], known))
  subscriptions.connected()
  await vi.advanceTimersByTimeAsync(2000)
  const push = (name: string, isFresh: boolean) => {
    const line = known.get(name)
    if (line === undefined) throw new Error(`there is no ${name}`)
    line.seen = true
    if (isFresh) line.freshAt = Date.now()
  }
  const ask = (question: Partial<SubscriptionQuestion> = {}) => book.list(subscriptionQuestionSchema.parse(question))
  const states = () => Object.fromEntries(ask().items.map(({ instrument, state }) => [instrument, state]))
  return { book, subscriptions, requests, outcomes, push, ask, states }
}

const unknown = { ErrorID: 16, ErrorMsg: 'instrument not found' }
const refused = { ErrorID: 9, ErrorMsg: 'not now' }

describe('a listing', () => {
  it('tells ticking from acknowledged, silent, rejected and quarantined, with reasons', async () => {
    const { ask, push, states } = await booked(['AP701', 'AP702', 'AP703', 'AP010', 'AP705'], { AP010: unknown, AP705: refused })
    push('AP701', true)
    push('AP702', false)
    expect(states()).toEqual({
      AP701: 'ticking',
      AP702: 'acknowledged',
      AP703: 'acknowledged',
      AP010: 'quarantined',
      AP705: 'rejected',
    })
    await vi.advanceTimersByTimeAsync(601_000)
    push('AP701', true)
    const { counts, items } = ask()
    expect(counts).toEqual({
      desired: 5,
      pending: 0,
      acknowledged: 3,
      pushed: 2,
      ticking: 1,
      silent: 2,
      rejected: 1,
      quarantined: 1,
    })
    expect(items.map(({ instrument, reason, errorId }) => ({ instrument, reason, errorId }))).toEqual([
      { instrument: 'AP701', reason: undefined, errorId: undefined },
      { instrument: 'AP702', reason: 'no fresh tick since', errorId: undefined },
      { instrument: 'AP703', reason: 'nothing was pushed since the acknowledgement', errorId: undefined },
      { instrument: 'AP010', reason: '16: instrument not found', errorId: 16 },
      { instrument: 'AP705', reason: '9: not now', errorId: 9 },
    ])
  })

  it('says that the delivery month of an unknown instrument is over', async () => {
    const { ask } = await booked(['rb2610', 'rb2611'], { rb2610: unknown, rb2611: unknown }, 'SHFE')
    expect(ask().items.map(({ delivery, reason }) => ({ delivery, reason }))).toEqual([
      { delivery: '2026-10', reason: '16: instrument not found; its delivery month is over' },
      { delivery: '2026-11', reason: '16: instrument not found' },
    ])
  })

  it('counts silence in open session only', async () => {
    const { states } = await booked(['AP701'])
    // The group trades from 09:00 to 10:15; an hour of the closed market is no silence.
    await vi.advanceTimersByTimeAsync(44 * 60_000)
    expect(states()).toEqual({ AP701: 'silent' })
    const { states: late } = await (async () => {
      vi.setSystemTime(Date.parse('2026-11-23T10:10:00+08:00'))
      return booked(['AP702'])
    })()
    await vi.advanceTimersByTimeAsync(3 * 3_600_000)
    expect(late()).toEqual({ AP702: 'acknowledged' })
  })

  it('is pending without a connection', async () => {
    const { subscriptions, states } = await booked(['AP701'])
    subscriptions.disconnected()
    expect(states()).toEqual({ AP701: 'pending' })
  })

  it('takes patterns of names, with and without the exchange, and states', async () => {
    const { ask, push } = await booked(['AP701', 'AP702', 'CF701'], { CF701: unknown })
    push('AP702', true)
    const names = (question: Partial<SubscriptionQuestion>) => ask(question).items.map(({ instrument }) => instrument)
    expect(names({ include: ['AP*'] })).toEqual(['AP701', 'AP702'])
    expect(names({ include: ['CZCE.*'], exclude: ['*702'] })).toEqual(['AP701', 'CF701'])
    expect(names({ states: ['ticking', 'quarantined'] })).toEqual(['AP702', 'CF701'])
    expect(names({ states: ['acknowledged'] })).toEqual(['AP701', 'AP702'])
    expect(ask({ include: ['AP*'] }).counts).toMatchObject({ desired: 2, acknowledged: 2, quarantined: 0 })
  })

  it('comes in pages that leave nothing out', async () => {
    const all = Array.from({ length: 23 }, (_, i) => `AP${String(i).padStart(3, '0')}`)
    const { ask } = await booked(all)
    const seen: string[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: ReturnType<typeof ask> = ask({ limit: 5, ...(after === '' ? {} : { after }) })
      expect(page.counts.desired).toBe(23)
      seen.push(...page.items.map(({ instrument }) => instrument))
      after = page.next
    }
    expect(seen).toEqual(all)
    expect(ask({ limit: 0 })).toMatchObject({ items: [], counts: { desired: 23 } })
    expect(ask({ limit: 23 })).not.toHaveProperty('next')
  })
})

describe('a retry', () => {
  it('asks for what it names, in batches of its own and so many a second', async () => {
    const all = Array.from({ length: 10 }, (_, i) => `AP70${i}`)
    const { book, requests, outcomes } = await booked(all, Object.fromEntries(all.map(name => [name, unknown])))
    requests.length = 0
    const request = retryRequestSchema.parse({ include: ['AP70?'], exclude: ['*9'], batch: 4, requestsPerSecond: 1, retries: 0 })
    expect(book.renew(request)).toBe(9)
    await vi.advanceTimersByTimeAsync(500)
    expect(requests.map(({ length }) => length)).toEqual([4])
    await vi.advanceTimersByTimeAsync(1000)
    expect(requests.map(({ length }) => length)).toEqual([4, 4])
    await vi.advanceTimersByTimeAsync(5000)
    expect(requests.map(({ length }) => length)).toEqual([4, 4, 1])
    expect(outcomes).toEqual([{ asked: 9, acknowledged: 0, refused: 9 }])
  })

  it('never goes faster than the profile', async () => {
    const all = Array.from({ length: 300 }, (_, i) => `AP${100 + i}`)
    const { book, requests } = await booked(all, Object.fromEntries(all.map(name => [name, unknown])))
    requests.length = 0
    book.renew(retryRequestSchema.parse({ batch: 2000, requestsPerSecond: 1000, retries: 0 }))
    await vi.advanceTimersByTimeAsync(90)
    expect(requests.map(({ length }) => length)).toEqual([100])
    await vi.advanceTimersByTimeAsync(1000)
    expect(requests.map(({ length }) => length)).toEqual([100, 100, 100])
  })

  it('tries what is refused again as often as it is told, but not what is unknown', async () => {
    const { book, requests, outcomes } = await booked(['AP701', 'AP702'], { AP701: refused, AP702: unknown })
    requests.length = 0
    book.renew(retryRequestSchema.parse({ requestsPerSecond: 1, retries: 2 }))
    await vi.advanceTimersByTimeAsync(60_000)
    const times = (name: string) => requests.flat().filter(one => one === name).length
    expect(times('AP701')).toBe(3 * maxAttempts)
    expect(times('AP702')).toBe(1)
    expect(outcomes).toEqual([{ asked: 2, acknowledged: 0, refused: 2 }])
  })

  it('leaves alone what ticks, and takes the next push of a silent one for a snapshot', async () => {
    const { book, push, subscriptions, states, requests } = await booked(['AP701', 'AP702'])
    push('AP702', true)
    await vi.advanceTimersByTimeAsync(620_000)
    push('AP701', true)
    requests.length = 0
    expect(book.renew(retryRequestSchema.parse({}))).toBe(1)
    await vi.advanceTimersByTimeAsync(1000)
    expect(requests).toEqual([['AP702']])
    expect([...subscriptions.lines()].map(({ seen }) => seen)).toEqual([true, false])
    expect(states()).toEqual({ AP701: 'ticking', AP702: 'acknowledged' })
  })

  it('ends with the connection', async () => {
    const { book, requests, subscriptions, outcomes } = await booked(['AP701', 'AP702'], { AP701: unknown, AP702: unknown })
    requests.length = 0
    book.renew(retryRequestSchema.parse({ batch: 1, requestsPerSecond: 1 }))
    book.stop()
    subscriptions.disconnected()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(requests).toEqual([])
    expect(outcomes).toEqual([])
  })
})
