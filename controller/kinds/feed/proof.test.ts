import { describe, expect, it } from 'vitest'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { Workload } from '../../engines/engine.ts'
import { proofOf, worseStandby } from './proof.ts'

const workload: Workload = {
  ...{ id: '1', name: 'f-r1', owner: 'Feed/a/f', labels: {}, image: 'x', state: 'running', exitCode: undefined },
  ...{ outOfMemory: false, restarts: 0, health: 'none', startedAt: 0, endpoint: 'http://f' },
}
const session: FeedReport['sessions'][number] = {
  ...{ account: 'primary', state: 'live', since: 0, gate: 'open', restarts: 0, rejections: [] },
  subscriptions: { desired: 1000, acknowledged: 1000, ticking: 10, rejected: 0 },
  ...{ received: 0, published: 0, dropped: 0, conflated: 0, ticksPerSecond: 0, lastTickAt: 1 },
}
const { lastTickAt: _none, ...mute } = session
const report: FeedReport = {
  ...{ feed: 'a/f', version: '1', startedAt: 0, pid: 1, revision: 1, epoch: 1, role: 'publisher', active: 'primary' },
  ...{ launchDigest: '', liveDigest: '', sessions: [session], market: { open: true }, gaps: 0 },
  publisher: { type: 'jetstream', connected: true, outbox: 0 },
}
const said = (change: Partial<FeedReport['sessions'][number]>): FeedReport => ({
  ...report,
  sessions: [{ ...session, ...change }],
})
const counts = (change: Partial<typeof session.subscriptions>) => said({ subscriptions: { ...session.subscriptions, ...change } })

type Case = [string, Partial<Workload> | undefined, FeedReport | undefined, string]

describe('a revision', () => {
  const cases: Case[] = [
    ['is proven by acknowledged subscriptions and ticks', {}, report, 'proven DataFlowing'],
    [
      'is proven without ticks while the market is closed',
      {},
      { ...report, sessions: [mute], market: { open: false } },
      'proven DataFlowing',
    ],
    ['is proven with the agreed share of its instruments', {}, counts({ acknowledged: 995 }), 'proven DataFlowing'],
    ['is proven while the rest is still being subscribed', {}, said({ state: 'subscribing' }), 'proven DataFlowing'],
    ['is not proven by the pushes that answer subscriptions', {}, { ...report, sessions: [mute] }, 'pending NoTicks'],
    ['is not proven below that share', {}, counts({ acknowledged: 994 }), 'pending SubscriptionsIncomplete'],
    ['is not proven while its container is missing', undefined, report, 'pending ContainerMissing'],
    ['is not proven while its container is stopped', { state: 'stopped' }, undefined, 'pending NotRunning'],
    ['is not proven before it answers', {}, undefined, 'pending NotAnswering'],
    ['is not proven before it logs in', {}, said({ state: 'logging-in' }), 'pending NotLoggedIn'],
    ['is not proven without its session', {}, { ...report, sessions: [] }, 'pending SessionMissing'],
    [
      'is not proven while the bus is away',
      {},
      { ...report, publisher: { ...report.publisher, connected: false } },
      'pending BusUnreachable',
    ],
    [
      'is not proven by the account that publishes until the declared one does',
      {},
      { ...report, active: 'backup' },
      'pending FailoverPending',
    ],
    [
      'is refuted by a login that is refused for good',
      {},
      said({ state: 'failed', reason: 'LoginRefused' }),
      'refuted LoginRefused',
    ],
    ['is refuted by a session that has failed and gave no reason', {}, said({ state: 'failed' }), 'refuted SessionFailed'],
    ['is refuted by the third restart without an answer', { restarts: 3, state: 'restarting' }, undefined, 'refuted CrashLoop'],
    ['is not refuted by restarts of a process that answers', { restarts: 9 }, report, 'proven DataFlowing'],
  ]
  it.each(cases)('%s', (_name, change, its, expected) => {
    const { state, reason } = proofOf(change && { ...workload, ...change }, its, { active: 'primary', minCoverage: 0.995 })
    expect(`${state} ${reason}`).toBe(expected)
  })

  it('is not held to restarts from before there was anything to prove', () => {
    const restarted = { ...workload, restarts: 5 }
    const expectation = { active: 'primary', minCoverage: 1 } as const
    expect(proofOf(restarted, undefined, { ...expectation, restartsBefore: 5 }).reason).toBe('NotAnswering')
    expect(proofOf(restarted, undefined, { ...expectation, restartsBefore: 2 }).reason).toBe('CrashLoop')
  })

  it('tells what to do about a process that ran out of memory', () => {
    const exhausted = { ...workload, restarts: 3, outOfMemory: true }
    expect(proofOf(exhausted, undefined, { active: 'primary', minCoverage: 1 }).message).toMatch(
      /out of memory: raise container.memory/,
    )
  })
})

describe('a process that shall take over', () => {
  const standby = (change: Partial<FeedReport['sessions'][number]>): FeedReport => ({
    ...report,
    sessions: [session, { ...session, account: 'backup', gate: 'closed', ...change }],
  })
  const cases: [string, FeedReport, FeedReport, string | undefined][] = [
    ['may where its standby is live too', standby({}), standby({}), undefined],
    [
      'may where the standby of the other is no better',
      standby({ state: 'connecting' }),
      standby({ state: 'connecting' }),
      undefined,
    ],
    ['waits for its standby', standby({ state: 'connecting' }), standby({}), 'pending StandbyBehind'],
    [
      'is refuted by a standby whose login is refused for good',
      standby({ state: 'failed', reason: 'LoginRefused' }),
      standby({}),
      'refuted LoginRefused',
    ],
    [
      'is refuted by a standby that has failed and gave no reason',
      standby({ state: 'failed' }),
      standby({}),
      'refuted SessionFailed',
    ],
  ]
  it.each(cases)('%s', (_name, next, present, expected) => {
    const proof = worseStandby(next, present)
    expect(proof && `${proof.state} ${proof.reason}`).toBe(expected)
  })
})
