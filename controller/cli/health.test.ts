import { describe, expect, it } from 'vitest'
import type { Condition } from '../../crds/contract/resource.ts'
import { feed } from '../../crds/feed.ts'
import { asFeed, type FeedView, type Health, healthOf, markOf, states, worstFirst } from './health.ts'

type Overrides = { generation?: number; spec?: Record<string, unknown>; status?: Record<string, unknown>; name?: string }

function feedWith({ generation = 1, spec = {}, status = {}, name = 'ctp' }: Overrides = {}): FeedView {
  const declared = {
    hostRef: 'h',
    profileRef: 'p',
    image: 'x:1',
    credentials: { primary: 'a', backup: 'b' },
    subscriptions: ['all'],
  }
  return asFeed({
    apiVersion: 'feedplane.dev/v1alpha1',
    kind: 'Feed',
    metadata: { name, namespace: 'default', generation },
    spec: feed.spec.parse({ ...declared, ...spec }) as Record<string, unknown>,
    status: { ...healthy, ...status },
  })
}

function condition(type: string, status: Condition['status'], reason: string, message: string): Condition {
  return { type, status, reason, message, lastTransitionTime: '2026-11-23T00:00:00Z', observedGeneration: 1 }
}

const now = Date.parse('2026-11-23T01:02:00Z')

const healthy = {
  observedGeneration: 1,
  conditions: [condition('Ready', 'True', 'Converged', 'publishing')],
  active: 'primary' as const,
  subscriptions: { desired: 10, acknowledged: 10, ticking: 10, rejected: 0, coverage: 1 },
  ticksPerSecond: 5,
  market: { open: true },
  standby: { account: 'backup', state: 'live', acknowledged: 10 },
}

const silent = { ticksPerSecond: 0, lastTickAt: '2026-11-23T01:00:00Z' }
const notReady = condition('Ready', 'False', 'LoginFailed', 'front says 3: invalid login')

const cases: { name: string; feed: FeedView; health: Partial<Health> }[] = [
  { name: 'is Ready where all is well', feed: feedWith(), health: { state: 'Ready', wrong: '', todo: '' } },
  {
    name: 'is Ready without ticks while the market is closed',
    feed: feedWith({ status: { market: { open: false }, ...silent } }),
    health: { state: 'Ready' },
  },
  {
    name: 'is Degraded without ticks while the market is open',
    feed: feedWith({ status: silent }),
    health: {
      state: 'Degraded',
      wrong: 'no ticks although the market is open',
      todo: 'feedctl failover ctp, or wait for the watchdog',
    },
  },
  {
    name: 'is Ready where the rate is nothing and the newest tick is young, as after a flip',
    feed: feedWith({ status: { ticksPerSecond: 0, lastTickAt: '2026-11-23T01:01:30Z' } }),
    health: { state: 'Ready' },
  },
  {
    name: 'is Degraded where the watchdog chose the other account',
    feed: feedWith({ status: { active: 'backup', activeReason: 'Override' } }),
    health: {
      state: 'Degraded',
      wrong: 'the watchdog moved it to backup (declared: primary)',
      todo: 'feedctl failback ctp when primary is well',
    },
  },
  {
    name: 'is Degraded where too few instruments are acknowledged',
    feed: feedWith({ status: { subscriptions: { desired: 100, acknowledged: 90, ticking: 80, rejected: 4, coverage: 0.9 } } }),
    health: { state: 'Degraded', wrong: '10 of 100 instruments are not acknowledged, 4 rejected' },
  },
  {
    name: 'is Degraded where the warm standby is not live',
    feed: feedWith({ status: { standby: { account: 'backup', state: 'waiting', acknowledged: 0 } } }),
    health: { state: 'Degraded', wrong: 'no standby: backup is waiting' },
  },
  {
    name: 'asks no standby of a feed whose standby is cold',
    feed: feedWith({ spec: { credentials: { primary: 'a', backup: 'b', standby: 'cold' } }, status: { standby: undefined } }),
    health: { state: 'Ready' },
  },
  {
    name: 'is Stalled with the reason, and told to mend the declaration',
    feed: feedWith({ status: { conditions: [notReady, condition('Stalled', 'True', 'ImageNotFound', 'x:1 does not exist')] } }),
    health: { state: 'Stalled', wrong: 'ImageNotFound: x:1 does not exist' },
  },
  {
    name: 'offers a retry after a rollback',
    feed: feedWith({
      status: {
        failedRevision: 4,
        conditions: [
          notReady,
          condition('Stalled', 'True', 'RolledBack', 'r4 never logged in'),
          condition('RolledBack', 'True', 'RolledBack', ''),
        ],
      },
    }),
    health: { state: 'Stalled', todo: 'mend the declaration, or `feedctl retry ctp` to try revision 4 again' },
  },
  {
    name: 'is NotReady where Ready is false and nothing moves',
    feed: feedWith({ status: { conditions: [notReady] } }),
    health: { state: 'NotReady', wrong: 'LoginFailed: front says 3: invalid login' },
  },
  {
    name: 'is Progressing while it reconciles, with its phase',
    feed: feedWith({
      status: { phase: 'Proving', conditions: [notReady, condition('Reconciling', 'True', 'RollingOut', 'waiting for ticks')] },
    }),
    health: { state: 'Progressing', wrong: 'RollingOut: waiting for ticks' },
  },
  {
    name: 'is Progressing, not Ready, while an edit is not observed',
    feed: feedWith({ generation: 2 }),
    health: { state: 'Progressing', wrong: 'generation 2 is not taken up yet' },
  },
  {
    name: 'is Degraded where its file is bad and the last good declaration runs on',
    feed: feedWith({
      status: { conditions: [...healthy.conditions, condition('SourceValid', 'False', 'SyntaxError', 'a.yaml:3:1: no YAML')] },
    }),
    health: { state: 'Degraded', wrong: 'SyntaxError: a.yaml:3:1: no YAML' },
  },
  {
    name: 'is Suspended where it is',
    feed: feedWith({ spec: { suspend: true } }),
    health: { state: 'Suspended', todo: 'feedctl resume ctp' },
  },
  {
    name: 'is Unknown before the controller has looked at it',
    feed: feedWith({ status: { conditions: undefined, observedGeneration: undefined } }),
    health: { state: 'Unknown' },
  },
]

describe('a feed', () => {
  it.each(cases)('$name', ({ feed, health }) => {
    expect(healthOf(feed, now)).toMatchObject(health)
  })
})

describe('the list', () => {
  it('is worst first, then by name', () => {
    const stalled = feedWith({ name: 'z', status: { conditions: [condition('Stalled', 'True', 'X', '')] } })
    const quiet = feedWith({ name: 'y', status: silent })
    const sorted = [feedWith({ name: 'b' }), quiet, feedWith({ name: 'a' }), stalled].sort(worstFirst(now))
    expect(sorted.map(one => one.metadata.name)).toEqual(['z', 'y', 'a', 'b'])
  })
})

describe('a state', () => {
  it.each(states)('%s has a glyph and a word, and the same of both in colour', state => {
    expect(markOf(state, false)).toMatch(new RegExp(`^\\S ${state}$`))
    expect(markOf(state, true)).toContain(markOf(state, false))
    expect(markOf(state, true)).not.toBe(markOf(state, false))
  })
})
