import { describe, expect, it } from 'vitest'
import type { FeedReport, SessionStatus } from '../../crds/contract/feedstatus.ts'
import { coverageOf, unreadyReasons } from './readiness.ts'

const session: SessionStatus = {
  account: 'primary',
  state: 'live',
  since: 0,
  gate: 'open',
  restarts: 0,
  subscriptions: { desired: 1000, acknowledged: 999, ticking: 900, rejected: 1 },
  rejections: [],
  received: 1,
  published: 1,
  dropped: 0,
  conflated: 0,
  ticksPerSecond: 1,
  lastTickAt: 1,
}
const report = {
  role: 'publisher',
  active: 'primary',
  sessions: [session],
  market: { open: true },
  publisher: { type: 'nats', connected: true, outbox: 0 },
} as unknown as FeedReport
const reasonsOf = (changes: Partial<FeedReport>, own: Partial<SessionStatus> = {}): string[] =>
  unreadyReasons({ ...report, sessions: [{ ...session, ...own }], ...changes }, 'primary').map(({ reason }) => reason)
const withoutTick = (): SessionStatus => {
  const { lastTickAt: _, ...rest } = session
  return rest
}

describe('a feed is ready', () => {
  it('with a live session, its gate, its subscriptions, ticks and a bus', () => {
    expect(reasonsOf({})).toEqual([])
  })

  it('not while a group in session is silent', () => {
    expect(reasonsOf({ silentGroups: [{ group: 'SHFE/21:00-02:30', since: 0 }] })).toEqual(['GroupSilent'])
  })

  it('without ticks only while the market is closed', () => {
    expect(reasonsOf({ sessions: [withoutTick()] })).toEqual(['NoTicks'])
    expect(reasonsOf({ sessions: [withoutTick()], market: { open: false } })).toEqual([])
  })

  it('as a standby with its gate closed, whatever the bus does', () => {
    const bus = { type: 'nats', connected: false, outbox: 0 }
    expect(reasonsOf({ role: 'standby', publisher: bus }, { gate: 'closed' })).toEqual([])
    expect(reasonsOf({ role: 'standby' })).toEqual(['GateWrong'])
  })
})

describe('a feed is not ready', () => {
  it('while the session is on its way', () => {
    expect(reasonsOf({}, { state: 'subscribing' })).toEqual(['SessionNotLive'])
  })

  it('while another account than the wanted one publishes', () => {
    expect(reasonsOf({ active: 'backup' })).toEqual(['FailoverPending'])
  })

  it('under the coverage that is asked for', () => {
    expect(reasonsOf({}, { subscriptions: { desired: 1000, acknowledged: 990, ticking: 0, rejected: 0 } })).toEqual([
      'CoverageLow',
    ])
  })

  it('without its bus', () => {
    expect(reasonsOf({ publisher: { type: 'nats', connected: false, outbox: 0 } })).toEqual(['BusUnreachable'])
  })
})

describe('coverage', () => {
  it('is 1 where nothing is wanted, and 0 where all that is wanted was refused', () => {
    expect(coverageOf({ subscriptions: { desired: 0, acknowledged: 0, ticking: 0, rejected: 0 } })).toBe(1)
    expect(coverageOf({ subscriptions: { desired: 2, acknowledged: 0, ticking: 0, rejected: 2 } })).toBe(0)
  })
})
