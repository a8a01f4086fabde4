import { describe, expect, it } from 'vitest'
import type { PreflightFacts, ResourceView } from '../api/contract.ts'
import { type CheckName, checklistOf, checkNames, isGo, mayBecomeGo, type Sight } from './checklist.ts'
import { asFeed } from './health.ts'

const now = Date.parse('2026-01-05T00:30:00Z')
const ready = (status: 'True' | 'False', reason = 'Fine', message = 'fine') => [
  { type: 'Ready', status, reason, message, lastTransitionTime: '', observedGeneration: 1 },
]

function view(kind: ResourceView['kind'], name: string, spec: object, status: object): ResourceView {
  const metadata = { name, namespace: 'production', generation: 1 }
  return { apiVersion: 'feedplane.dev/v1alpha1', kind, metadata, spec, status } as ResourceView
}

const feedSpec = {
  hostRef: 'colo-1',
  credentials: { active: 'primary', primary: 'a', backup: 'b', standby: 'warm' },
  rollout: { minCoverage: 0.995 },
  suspend: false,
}
const feedStatus = {
  conditions: ready('True'),
  sessions: [],
  subscriptions: { desired: 100 },
  standby: { account: 'backup', state: 'live', acknowledged: 100 },
}
const facts: PreflightFacts = {
  at: now,
  fronts: [
    { account: 'primary', address: 'tcp://one:1' },
    { account: 'backup', address: 'tcp://two:2' },
  ],
  servers: [{ address: 'nats://nats:4222' }],
  engine: { host: 'colo-1', skewMs: 100 },
  disk: { availableBytes: 50, sizeBytes: 100 },
}
const calendar = {
  type: 'china-futures',
  tradingDay: '20260105',
  horizon: { days: 200, knownUntil: '2026-12-31', isShort: false },
} as Sight['calendar']

const drill = (lastPassAt: string | undefined) =>
  view('FailoverDrill', 'weekly', { feedRef: 'ctp', overdueAfter: '192h' }, { ...(lastPassAt && { lastPassAt }) })

function sight(change: Partial<Sight> = {}): Sight {
  return {
    feed: asFeed(view('Feed', 'ctp', feedSpec, feedStatus)),
    host: view('Host', 'colo-1', {}, { conditions: ready('True') }),
    credentials: ['a', 'b'].map(name => view('Credentials', name, {}, { conditions: ready('True') })),
    drills: [drill('2026-01-02T00:00:00Z')],
    plan: { kind: 'Feed', key: 'production/ctp', steps: [], violations: [] },
    ...{ facts, calendar, askedAt: now - 10, answeredAt: now + 10 },
    ...change,
  }
}

const feedWith = (spec: object, status: object = {}) =>
  asFeed(view('Feed', 'ctp', { ...feedSpec, ...spec }, { ...feedStatus, ...status }))
const factsWith = (change: Partial<PreflightFacts>): Partial<Sight> => ({ facts: { ...facts, ...change } })
const dead = { error: 'ECONNREFUSED' }

describe('the checklist', () => {
  it('is go where everything is well, with the evidence of every check and nothing to do', () => {
    const results = checklistOf(sight())
    expect(results.map(({ check }) => check)).toEqual(checkNames)
    expect(results.filter(({ level }) => level !== 'ok')).toEqual([])
    expect(results.every(({ evidence, todo }) => evidence !== '' && todo === undefined)).toBe(true)
    expect(isGo(results, true)).toBe(true)
  })

  const cases: [string, Partial<Sight>, CheckName, 'no-go' | 'warning', RegExp][] = [
    [
      'a file with a mistake',
      {
        feed: feedWith(
          {},
          {
            conditions: [
              ...ready('True'),
              { type: 'SourceValid', status: 'False', reason: 'SchemaInvalid', message: 'feed.yaml:3:1', lastTransitionTime: '' },
            ],
          },
        ),
      },
      'declaration',
      'no-go',
      /SchemaInvalid: feed.yaml:3:1/,
    ],
    [
      'a declaration that cannot be carried out',
      { plan: { kind: 'Feed', key: 'production/ctp', steps: [], violations: [{ reason: 'HostNotFound', message: 'no host' }] } },
      'declaration',
      'no-go',
      /HostNotFound/,
    ],
    ['a suspended feed', { feed: feedWith({ suspend: true }) }, 'declaration', 'warning', /suspended/],
    [
      'half a backup account',
      {
        credentials: [
          view('Credentials', 'a', {}, { conditions: ready('True') }),
          view('Credentials', 'b', {}, { conditions: ready('False', 'SecretPartial', 'PASSWORD is missing') }),
        ],
      },
      'credentials',
      'no-go',
      /b: SecretPartial: PASSWORD is missing/,
    ],
    ['a host that is not declared', { host: undefined }, 'engine', 'no-go', /colo-1 is not declared/],
    [
      'an engine that does not answer',
      factsWith({ engine: { host: 'colo-1', error: 'EngineUnreachable: away' } }),
      'engine',
      'no-go',
      /away/,
    ],
    [
      'no front of the active account',
      factsWith({ fronts: [{ account: 'primary', address: 'tcp://one:1', ...dead }] }),
      'fronts',
      'no-go',
      /tcp:\/\/one:1 of primary: ECONNREFUSED/,
    ],
    [
      'one of two fronts of the active account',
      factsWith({
        fronts: [
          { account: 'primary', address: 'tcp://one:1', ...dead },
          { account: 'primary', address: 'tcp://three:3' },
        ],
      }),
      'fronts',
      'warning',
      /one:1/,
    ],
    [
      'no front of the other account',
      factsWith({
        fronts: [
          { account: 'primary', address: 'tcp://one:1' },
          { account: 'backup', address: 'tcp://two:2', ...dead },
        ],
      }),
      'fronts',
      'warning',
      /two:2 of backup/,
    ],
    ['no server of the bus', factsWith({ servers: [{ address: 'nats://nats:4222', ...dead }] }), 'bus', 'no-go', /nats:4222/],
    ['a disk with little room', factsWith({ disk: { availableBytes: 5, sizeBytes: 100 } }), 'disk', 'warning', /^5%/],
    ['a disk with no room', factsWith({ disk: { availableBytes: 1, sizeBytes: 100 } }), 'disk', 'no-go', /^1%/],
    ['a controller that is behind', factsWith({ at: now - 5000 }), 'clock', 'warning', /controller 4990 ms/],
    ['a controller that is far ahead', factsWith({ at: now + 60_000 }), 'clock', 'no-go', /controller 59990 ms/],
    [
      'an engine whose clock is off',
      factsWith({ engine: { host: 'colo-1', skewMs: -4000 } }),
      'clock',
      'warning',
      /engine 4000 ms/,
    ],
    [
      'holidays that are hardly known',
      {
        calendar: {
          ...(calendar as object),
          horizon: { days: 10, knownUntil: '2026-01-19', isShort: true },
        } as Sight['calendar'],
      },
      'calendar',
      'warning',
      /10 trading days/,
    ],
    [
      'holidays that are not known any more',
      {
        calendar: { ...(calendar as object), horizon: { days: 0, knownUntil: '2025-12-31', isShort: true } } as Sight['calendar'],
      },
      'calendar',
      'no-go',
      /2025-12-31/,
    ],
    ['a feed that does not tell', { calendar: 'it does not run' }, 'calendar', 'warning', /it does not run/],
    [
      'a standby that is not live',
      { feed: feedWith({}, { standby: { account: 'backup', state: 'waiting', acknowledged: 0 } }) },
      'standby',
      'warning',
      /waiting/,
    ],
    [
      'a standby that lacks instruments',
      { feed: feedWith({}, { standby: { account: 'backup', state: 'live', acknowledged: 50 } }) },
      'standby',
      'warning',
      /50 of 100/,
    ],
    [
      'no backup account',
      { feed: feedWith({ credentials: { active: 'primary', primary: 'a' } }) },
      'standby',
      'warning',
      /no backup/,
    ],
    ['no drill', { drills: [] }, 'drill', 'warning', /not proven/],
    ['a drill that never passed', { drills: [drill(undefined)] }, 'drill', 'warning', /no drill has passed/],
    ['a drill of long ago', { drills: [drill('2025-12-01T00:00:00Z')] }, 'drill', 'warning', /too long/],
    ['a controller that cannot tell', { facts: 'it answers 500' }, 'fronts', 'no-go', /500/],
  ]
  it.each(cases)('of %s says so', (_, change, check, level, words) => {
    const results = checklistOf(sight(change))
    const found = results.find(result => result.check === check)
    expect(found).toMatchObject({ level, evidence: expect.stringMatching(words), todo: expect.stringMatching(/\S/) })
    expect(isGo(results, false)).toBe(level !== 'no-go')
    expect(isGo(results, true)).toBe(false)
  })

  it('is worth waiting for where only a front, a server or an engine is away', () => {
    const cut = factsWith({ fronts: [{ account: 'primary', address: 'tcp://one:1', ...dead }] })
    expect(mayBecomeGo(checklistOf(sight(cut)), false)).toBe(true)
    expect(mayBecomeGo(checklistOf(sight({ ...cut, drills: [] })), false)).toBe(true)
    expect(mayBecomeGo(checklistOf(sight({ ...cut, drills: [] })), true)).toBe(false)
    const half = [view('Credentials', 'b', {}, { conditions: ready('False', 'SecretPartial', 'PASSWORD is missing') })]
    expect(mayBecomeGo(checklistOf(sight({ ...cut, credentials: half })), false)).toBe(false)
  })

  it('finds nothing wrong with a feed that is not running yet, nor with a cold standby', () => {
    const { sessions: _none, standby: _also, ...stopped } = feedStatus
    const feed = asFeed(view('Feed', 'ctp', feedSpec, stopped))
    expect(checklistOf(sight({ feed })).find(({ check }) => check === 'standby')).toMatchObject({ level: 'ok' })
    const cold = feedWith({ credentials: { ...feedSpec.credentials, standby: 'cold' } })
    expect(checklistOf(sight({ feed: cold })).find(({ check }) => check === 'standby')).toMatchObject({ level: 'ok' })
  })
})
