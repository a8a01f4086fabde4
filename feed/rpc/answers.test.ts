import { describe, expect, it } from 'vitest'
import type { RetryRequest, Subscription } from '../../crds/contract/subscriptions.ts'
import { groupOf } from '../session/testing.ts'
import { answerTo, type Sources } from './answers.ts'

const now = 1_790_000_000_000
const subscription = (instrument: string, pushed: boolean): Subscription => ({
  instrument,
  exchange: 'CZCE',
  state: 'acknowledged',
  pushed,
})

function sources(changes: Partial<Sources> = {}): Sources & { retried: RetryRequest[] } {
  const retried: RetryRequest[] = []
  const counts = { desired: 0, pending: 0, acknowledged: 0, pushed: 0, ticking: 0, silent: 0, rejected: 0, quarantined: 0 }
  return {
    feed: 'production/ctp',
    groups: () => [groupOf(['AP010', 'SPD AP010&AP011']), { ...groupOf(['cu2612']), exchange: 'SHFE' }],
    list: async () => ({
      counts,
      items: [subscription('AP010', true), subscription('AP011', false), subscription('AP012', true)],
    }),
    retry: async request => void retried.push(request),
    unready: () => [],
    now: () => now,
    retried,
    ...changes,
  }
}

describe('the requests of the older service', () => {
  it('md.contracts.list names what is declared', async () => {
    expect(await answerTo('md.contracts.list', undefined, sources())).toEqual({
      symbols: ['AP010', 'SPD AP010&AP011', 'cu2612'],
      source: 'production/ctp',
      ts: now,
    })
  })

  it('md.subscribe.bulk accepts what is declared, under each way to write it, and says where to declare the rest', async () => {
    const seen = sources()
    const symbols = ['AP010', 'CZCE.AP010', 'cu2612.SHFE', 'DCE.cu2612', 'rb2605', 'rb2605', 'SPD AP010&AP011']
    const reason = 'not declared: add it to a SubscriptionSet of Feed production/ctp'
    expect(await answerTo('md.subscribe.bulk', { symbols }, seen)).toEqual({
      accepted: ['AP010', 'CZCE.AP010', 'cu2612.SHFE', 'SPD AP010&AP011'],
      rejected: [
        { symbol: 'DCE.cu2612', reason },
        { symbol: 'rb2605', reason },
      ],
      ts: now,
    })
    expect(seen.retried).toHaveLength(1)
    expect(seen.retried[0]).toMatchObject({
      include: ['AP010', 'cu2612', 'SPD AP010&AP011'],
      states: ['rejected', 'quarantined', 'silent'],
    })
  })

  it('md.subscribe.bulk takes no symbol for a pattern, and asks for nothing where nothing is declared', async () => {
    const seen = sources()
    expect(await answerTo('md.subscribe.bulk', { symbols: ['*', 'AP???'] }, seen)).toMatchObject({ accepted: [] })
    expect(seen.retried).toEqual([])
  })

  it('md.subscriptions.active counts what is acknowledged and was pushed, and says when it cut the list', async () => {
    const shared = { total: 2, ts: now, source: 'production/ctp' }
    expect(await answerTo('md.subscriptions.active', undefined, sources())).toEqual({
      ...shared,
      subscriptions: ['AP010', 'AP012'],
    })
    expect(await answerTo('md.subscriptions.active', { limit: 1 }, sources())).toEqual({
      ...shared,
      subscriptions: ['AP010'],
      truncated: true,
    })
  })

  it('health.check tells why a feed is not well', async () => {
    const reasons = [{ reason: 'NoTicks', message: 'primary has not received a fresh tick' }]
    expect(await answerTo('health.check', {}, sources())).toEqual({ status: 'ok', source: 'production/ctp', ts: now })
    expect(await answerTo('health.check', {}, sources({ unready: () => reasons }))).toMatchObject({ status: 'degraded', reasons })
  })

  it.each([
    ['md.subscribe.bulk', {}, /symbols/],
    ['md.subscribe.bulk', { symbols: [1] }, /symbols\.0/],
    ['md.subscribe.bulk', { symbols: Array(20_001).fill('AP010') }, /symbols/],
    ['md.subscriptions.active', { limit: -1 }, /limit/],
  ] as const)('%s refuses a request that is none', async (method, body, message) => {
    await expect(async () => answerTo(method, body, sources())).rejects.toThrow(message)
  })
})
