import { describe, expect, it } from 'vitest'
import type { CalendarView } from '../../crds/contract/calendar.ts'
import type { Condition } from '../../crds/contract/resource.ts'
import type { SubscriptionCounts, SubscriptionsView } from '../../crds/contract/subscriptions.ts'
import { feed as feedKind } from '../../crds/feed.ts'
import { type Assessment, assess, type Bounds, escalationOf, type Sight, worst } from './assessment.ts'
import { asFeed, type FeedView } from './health.ts'

const now = Date.parse('2026-11-23T05:45:00Z')
const bounds: Bounds = { threshold: 0.995, lagWarningMs: 120_000, lagCriticalMs: 300_000, silentAfterSeconds: 600 }

const minutesAgo = (minutes: number) => new Date(now - minutes * 60_000).toISOString()
const ready: Condition = {
  ...{ type: 'Ready', status: 'True', reason: 'DataFlowing', message: '', lastTransitionTime: '', observedGeneration: 1 },
}

function feedWith(status: Record<string, unknown> = {}, spec: Record<string, unknown> = {}): FeedView {
  const declared = { hostRef: 'h', profileRef: 'p', image: 'x:1', subscriptions: ['all'], ...spec }
  return asFeed({
    apiVersion: 'feedplane.dev/v1alpha1',
    kind: 'Feed',
    metadata: { name: 'ctp', namespace: 'production', generation: 1 },
    spec: feedKind.spec.parse({ credentials: { primary: 'a', backup: 'b' }, ...declared }) as Record<string, unknown>,
    status: {
      ...{ observedGeneration: 1, conditions: [ready], active: 'primary', ticksPerSecond: 5, market: { open: true } },
      lastTickAt: minutesAgo(0),
      subscriptions: { desired: 1000, acknowledged: 1000, ticking: 1000, rejected: 0, coverage: 1 },
      standby: { account: 'backup', state: 'live', acknowledged: 1000 },
      ...status,
    },
  })
}

const whole: SubscriptionCounts = {
  ...{ desired: 1000, pending: 0, acknowledged: 1000, pushed: 1000 },
  ...{ ticking: 1000, silent: 0, rejected: 0, quarantined: 0 },
}

function subscriptionsWith(counts: Partial<SubscriptionCounts>, state: 'live' | 'waiting' = 'live'): SubscriptionsView {
  const account = (name: 'primary' | 'backup', its: Partial<SubscriptionCounts>) => ({
    ...{ account: name, items: [], counts: { ...whole, ...its } },
    state: name === 'primary' ? state : ('live' as const),
  })
  const accounts = [account('primary', counts), account('backup', {})]
  return { feed: 'production/ctp', at: now, active: 'primary', silentAfterSeconds: 600, accounts }
}

/** A day in one window, which began so many minutes ago. */
function calendarFrom(minutes: number): CalendarView {
  const begins = now - minutes * 60_000
  const session = { date: '2026-11-23', kind: 'day' as const, tradingDay: '20261123', opens: begins, begins, ends: now + 1 }
  return {
    ...{ type: 'china-futures', at: now, tradingDay: '20261123', days: [] },
    horizon: { days: 62, knownUntil: '2026-12-31', isShort: false },
    groups: [{ products: ['CZCE.AP'], instruments: 1000, windows: { day: [] }, open: true, sessions: [session] }],
  }
}

function judge(sight: Partial<Sight>): Assessment {
  return assess({ feed: feedWith(), subscriptions: subscriptionsWith({}), calendar: calendarFrom(200), now, ...sight }, bounds)
}

const checksOf = ({ findings }: Assessment) => findings.map(({ check, level }) => `${check} ${level}`)

describe('the health of a feed', () => {
  it('is ok where all instruments are acknowledged and pushed, and ticks come', () => {
    expect(judge({})).toMatchObject({ level: 'ok', session: 'open', coverage: 1, missing: 0, lagSeconds: 0, findings: [] })
  })

  const cases: [name: string, sight: Partial<Sight>, checks: string[]][] = [
    ['below the threshold is an error', { subscriptions: subscriptionsWith({ pushed: 994 }) }, ['coverage error']],
    [
      'with refusals within the threshold is a warning',
      { subscriptions: subscriptionsWith({ quarantined: 2 }) },
      ['rejected warning'],
    ],
    ['that still asks is a warning', { subscriptions: subscriptionsWith({ pending: 3 }) }, ['missing warning']],
    ['with as many silent as the threshold allows is ok', { subscriptions: subscriptionsWith({ silent: 5 }) }, []],
    ['with more silent is a warning', { subscriptions: subscriptionsWith({ silent: 6 }) }, ['stalled warning']],
    ['without a tick for two minutes is a warning', { feed: feedWith({ lastTickAt: minutesAgo(2) }) }, ['lag warning']],
    ['without a tick for five is an error', { feed: feedWith({ lastTickAt: minutesAgo(5) }) }, ['lag error']],
    [
      'whose newest tick is of before the lunch is judged from the end of it',
      { feed: feedWith({ lastTickAt: minutesAgo(135) }), calendar: calendarFrom(1) },
      [],
    ],
    [
      'without a tick outside the session is ok',
      { feed: feedWith({ lastTickAt: minutesAgo(600), market: { open: false } }) },
      [],
    ],
    ['that cannot be asked is an error', { subscriptions: 'Feed production/ctp does not run' }, ['answer error']],
    ['that is suspended is a warning', { feed: feedWith({}, { suspend: true }) }, ['state warning']],
    [
      'that is not Ready is an error',
      { feed: feedWith({ conditions: [{ ...ready, status: 'False', reason: 'NoTicks' }] }) },
      ['state error'],
    ],
  ]
  it.each(cases)('%s', (_name, sight, checks) => {
    expect(checksOf(judge(sight))).toEqual(checks)
  })

  it('is as bad as the worst of its findings', () => {
    expect(judge({ subscriptions: subscriptionsWith({ pushed: 990, rejected: 10 }) }).level).toBe('error')
    expect(worst(['ok', 'warning', 'ok'])).toBe('warning')
    expect(worst([])).toBe('ok')
  })
})

describe('what is asked for again', () => {
  it('is what was refused, where that is too much', () => {
    expect(judge({ subscriptions: subscriptionsWith({ quarantined: 2 }) }).remedy).toBeUndefined()
    expect(judge({ subscriptions: subscriptionsWith({ pushed: 990, rejected: 10 }) }).remedy).toEqual({
      ...{ states: ['rejected'], silentAfterSeconds: 600 },
    })
  })

  it('is what is silent, sooner where all of it is', () => {
    expect(judge({ subscriptions: subscriptionsWith({ silent: 6 }) }).remedy).toEqual({
      states: ['silent'],
      silentAfterSeconds: 600,
    })
    expect(judge({ feed: feedWith({ lastTickAt: minutesAgo(3) }) }).remedy).toEqual({
      states: ['silent'],
      silentAfterSeconds: 120,
    })
  })

  it('is nothing where the feed is still asking by itself', () => {
    expect(judge({ subscriptions: subscriptionsWith({ pushed: 900, pending: 100 }) }).remedy?.states).toEqual([])
  })

  it('is nothing of a suspended feed, which would not be told', () => {
    const feed = feedWith({}, { suspend: true })
    expect(judge({ feed, subscriptions: subscriptionsWith({ pushed: 900, rejected: 100 }) }).remedy).toBeUndefined()
  })
})

describe('the escalation', () => {
  it('is a failover where the other account is better', () => {
    const ill = judge({ subscriptions: subscriptionsWith({ pushed: 900, rejected: 100 }) })
    expect(ill.failoverRequired).toBe(true)
    expect(escalationOf(ill)).toBe('feedctl failover production/ctp --wait')
    expect(judge({ subscriptions: subscriptionsWith({}, 'waiting') }).failoverRequired).toBe(true)
  })

  it('is a look at the worst where there is nothing to fail over to', () => {
    const feed = feedWith({ standby: { account: 'backup', state: 'waiting', acknowledged: 0 } })
    const ill = judge({ feed, subscriptions: subscriptionsWith({ pushed: 900, rejected: 100 }) })
    expect(ill.failoverRequired).toBe(false)
    expect(escalationOf(ill)).toBe('feedctl subscriptions production/ctp')
  })
})
