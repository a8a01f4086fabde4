import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FrontError, SendResult } from '../gateways/gateway.ts'
import { type Line, linesOf } from './line.ts'
import { acknowledgementMs, maxAttempts, Subscriptions } from './subscriptions.ts'
import { groupOf } from './testing.ts'

const rateLimits = { loginsPerSecond: 1, subscribeBatch: 10, subscribeRequestsPerSecond: 10, maxUnacknowledged: 25 }
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `AP${String(i).padStart(3, '0')}`)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function scripted(answer: (instrument: string) => FrontError | undefined | 'silent' = () => undefined) {
  const known = new Map<string, Line>()
  const front = {
    requests: [] as string[][],
    left: [] as string[][],
    results: [] as SendResult[],
    outstanding: 0,
    most: 0,
    settled: 0,
  }
  const subscriptions = new Subscriptions({
    rateLimits,
    settled: () => front.settled++,
    unsubscribe: instruments => {
      front.left.push(instruments)
      return 0
    },
    subscribe: instruments => {
      const result = front.results.shift() ?? 0
      if (result === 0) take(instruments)
      return result
    },
  })
  function take(instruments: string[]): void {
    front.requests.push(instruments)
    front.outstanding += instruments.length
    front.most = Math.max(front.most, front.outstanding)
    for (const instrument of instruments) {
      const outcome = answer(instrument)
      if (outcome !== 'silent') setTimeout(() => acknowledge(instrument, outcome), 300)
    }
  }
  function acknowledge(instrument: string, outcome: FrontError | undefined): void {
    front.outstanding--
    subscriptions.answered(instrument, outcome)
  }
  const want = (instruments: string[]) => subscriptions.want(linesOf([groupOf(instruments)], known))
  return { front, subscriptions, want }
}

describe('subscriptions', () => {
  it('that end are asked for in batches at the same pace, and are awaited', async () => {
    const { front, subscriptions, want } = scripted()
    want(names(25))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(3000)
    const left = subscriptions.leave(new AbortController().signal)
    await vi.advanceTimersByTimeAsync(100)
    expect(front.left.map(batch => batch.length)).toEqual([10, 10])
    await vi.advanceTimersByTimeAsync(1000)
    await left
    expect(front.left.flat()).toEqual(names(25))
  })

  it('are not waited for beyond the time that there is, nor without a connection', async () => {
    const { subscriptions, want } = scripted()
    want(names(25))
    await subscriptions.leave(new AbortController().signal)
    want(names(25))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    const late = new AbortController()
    const left = subscriptions.leave(late.signal)
    late.abort()
    await left
    const lost = subscriptions.leave(new AbortController().signal)
    subscriptions.disconnected()
    await lost
  })

  it('go out in batches, so many a second, and never more unacknowledged than allowed', async () => {
    const { front, subscriptions, want } = scripted()
    want(names(100))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(250)
    expect(front.requests.map(batch => batch.length)).toEqual([10, 10, 5])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(subscriptions.counts()).toEqual({ desired: 100, acknowledged: 100, rejected: 0 })
    expect(front.most).toBe(25)
    expect(front.settled).toBe(1)
    expect(new Set(front.requests.flat()).size).toBe(front.requests.flat().length)
  })

  it('are asked for again after each login', async () => {
    const { front, subscriptions, want } = scripted()
    want(names(3))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    subscriptions.disconnected()
    expect(subscriptions.counts().acknowledged).toBe(0)
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    expect(front.requests).toEqual([names(3), names(3)])
    expect(subscriptions.counts().acknowledged).toBe(3)
  })

  it.each([-2, -3] as const)('are sent again when the front answers %i, and it is counted', async result => {
    const { front, subscriptions, want } = scripted()
    front.results = [result, result]
    want(names(3))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(2000)
    expect(subscriptions.counts().acknowledged).toBe(3)
    expect(subscriptions.counters.rateLimitHits).toBe(2)
  })

  it.each([-2, -3])('are asked for as often as it takes where the front answers single instruments with %i', async ErrorID => {
    let refusals = 3 * maxAttempts
    const { subscriptions, want } = scripted(name => (name === 'AP001' && refusals-- > 0 ? { ErrorID, ErrorMsg: '' } : undefined))
    want(names(3))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(subscriptions.counts()).toEqual({ desired: 3, acknowledged: 3, rejected: 0 })
    expect(subscriptions.counters).toEqual({ rateLimitHits: 3 * maxAttempts, errors: 0 })
  })

  it('leave out what the front does not know, with its reason, and go on', async () => {
    const { front, subscriptions, want } = scripted(name =>
      name === 'AP001' ? { ErrorID: 16, ErrorMsg: 'instrument not found' } : undefined,
    )
    want(names(3))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(5000)
    expect(subscriptions.counts()).toEqual({ desired: 3, acknowledged: 2, rejected: 1 })
    expect(subscriptions.rejections(100)).toEqual([{ instrument: 'AP001', reason: '16: instrument not found' }])
    expect(front.requests.flat().filter(name => name === 'AP001')).toHaveLength(1)
  })

  it('give up an instrument that is never acknowledged after a bounded number of requests', async () => {
    const { front, subscriptions, want } = scripted(name => (name === 'AP001' ? 'silent' : undefined))
    want(names(2))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync((acknowledgementMs + 2000) * (maxAttempts + 1))
    expect(subscriptions.counts()).toEqual({ desired: 2, acknowledged: 1, rejected: 1 })
    expect(front.requests.flat().filter(name => name === 'AP001')).toHaveLength(maxAttempts)
    expect(front.settled).toBe(1)
  })

  it('are settled where the last one is given up while others leave', async () => {
    const { front, want, subscriptions } = scripted(instrument => (instrument === 'AP000' ? 'silent' : undefined))
    want(names(100))
    subscriptions.connected()
    const asked = () => front.requests.flat().filter(instrument => instrument === 'AP000').length
    while (asked() < maxAttempts) await vi.advanceTimersByTimeAsync(10)
    await vi.advanceTimersByTimeAsync(acknowledgementMs - 300)
    want(names(20))
    await vi.advanceTimersByTimeAsync(60_000)
    expect([subscriptions.isSettled, front.settled, front.left.flat().length]).toEqual([true, 1, 80])
  })

  it('go on as soon as answers have made room, and wait for no clock', async () => {
    const { front, subscriptions, want } = scripted()
    subscriptions.rateLimits = { ...rateLimits, subscribeRequestsPerSecond: 1000 }
    want(names(250))
    subscriptions.connected()
    // Ten times 25 outstanding, each answered after 300 ms.
    await vi.advanceTimersByTimeAsync(10 * 300 + 200)
    expect(subscriptions.counts().acknowledged).toBe(250)
    expect(front.most).toBe(25)
  })

  it('are asked for again one by one, and stay acknowledged meanwhile', async () => {
    const { front, subscriptions, want } = scripted()
    want(names(3))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    const [first] = subscriptions.lines()
    if (first === undefined) throw new Error('there is no line')
    first.seen = true
    subscriptions.renew([first])
    expect(subscriptions.counts().acknowledged).toBe(3)
    expect(first).toMatchObject({ state: 'queued', seen: false })
    await vi.advanceTimersByTimeAsync(1000)
    expect(front.requests).toEqual([names(3), ['AP000']])
    expect(first.state).toBe('acknowledged')
    expect(subscriptions.counts()).toEqual({ desired: 3, acknowledged: 3, rejected: 0 })
  })

  it('are left at the front where one leaves the set while it is asked for again', async () => {
    const { front, subscriptions, want } = scripted()
    want(names(2))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    subscriptions.renew([...subscriptions.lines()])
    want(['AP001'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(front.left).toEqual([['AP000']])
    expect(subscriptions.counts()).toEqual({ desired: 1, acknowledged: 1, rejected: 0 })
  })

  it('that were refused come back when they are asked for again and the front has learned of them', async () => {
    let isListed = false
    const { subscriptions, want } = scripted(() => (isListed ? undefined : { ErrorID: 16, ErrorMsg: 'instrument not found' }))
    want(names(2))
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    expect(subscriptions.counts().rejected).toBe(2)
    isListed = true
    subscriptions.renew([...subscriptions.lines()])
    await vi.advanceTimersByTimeAsync(1000)
    expect(subscriptions.counts()).toEqual({ desired: 2, acknowledged: 2, rejected: 0 })
  })

  it('follow another set by its difference', async () => {
    const { front, subscriptions, want } = scripted()
    want(['AP001', 'AP002'])
    subscriptions.connected()
    await vi.advanceTimersByTimeAsync(1000)
    want(['AP002', 'AP003'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(front.requests).toEqual([['AP001', 'AP002'], ['AP003']])
    expect(front.left).toEqual([['AP001']])
    expect(subscriptions.counts()).toEqual({ desired: 2, acknowledged: 2, rejected: 0 })
  })
})
