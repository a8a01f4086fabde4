// needs: nats-server
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Desired } from '../crds/contract/desired.ts'
import { burst, maxRequestBytes } from '../feed/rpc/responder.ts'
import { type Simulator, startSimulator } from '../feed/simulator/simulator.ts'
import { desiredOn, groupsOf } from './feed/desired.ts'
import { FeedProcess } from './feed/feedprocess.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Nats, startNats } from './services/nats.ts'

const instrumentCount = 300

let nats: Nats
let simulator: Simulator
let bus: NatsConnection
let desired: Desired
const feeds: { feed: FeedProcess; remove: () => Promise<void> }[] = []

beforeEach(async () => {
  nats = await startNats()
  simulator = await startSimulator({ instruments: instrumentCount, rate: 2 })
  bus = await connect({ servers: [nats.url] })
})

afterEach(async () => {
  for (const { feed, remove } of feeds.splice(0)) {
    await feed.stop()
    await remove()
  }
  await bus.close()
  await simulator.stop()
  await nats.stop()
})

async function startFeed(key: string, changes: Partial<Desired['launch']['publish']> = {}): Promise<FeedProcess> {
  const directory = await temporaryDirectory('feed')
  const feed = new FeedProcess(directory.path)
  feeds.push({ feed, remove: () => directory.remove() })
  const base = desiredOn(simulator.ports[0] ?? 0, await groupsOf(instrumentCount))
  const publish = { ...base.launch.publish, type: 'nats' as const, servers: [nats.url], ...changes }
  desired = { ...base, feed: key, launch: { ...base.launch, accounts: ['primary'], publish } }
  await feed.prepare(desired)
  await feed.start()
  await until('the feed to be ready', () => feed.isReady())
  await until('requests to be answered', async () => (await feed.events()).some(({ reason }) => reason === 'RpcReady'))
  return feed
}

type Answer = Record<string, unknown> & {
  symbols?: string[]
  subscriptions?: string[]
  source?: string
  error?: { reason: string }
}

async function ask(subject: string, body?: unknown): Promise<Answer> {
  const answer = await bus.request(subject, body === undefined ? '' : JSON.stringify(body), { timeout: 5000 })
  return answer.json<Answer>()
}

describe('the requests of the older service', () => {
  it('are answered over NATS by a feed that publishes there', async () => {
    await startFeed('test/feed')
    const { symbols = [], source, ts } = await ask('md.contracts.list')
    expect({ count: symbols.length, source, ts }).toEqual({ count: instrumentCount, source: 'test/feed', ts: expect.any(Number) })
    const [first = ''] = symbols
    expect(await ask('md.subscribe.bulk', { symbols: [first, 'rb0001'] })).toEqual({
      accepted: [first],
      rejected: [{ symbol: 'rb0001', reason: 'not declared: add it to a SubscriptionSet of Feed test/feed' }],
      ts: expect.any(Number),
    })
    expect(await ask('md.subscriptions.active', { limit: 10 })).toMatchObject({
      subscriptions: symbols.slice(0, 10),
      total: instrumentCount,
      truncated: true,
    })
    expect(await ask('health.check')).toMatchObject({ status: 'ok', source: 'test/feed' })
    expect((await ask('md.contracts.list')).symbols).toHaveLength(instrumentCount)
  })

  it('are answered beside a stream of ticks, and by its own subject where a prefix swallows the plain ones', async () => {
    await startFeed('test/feed', { type: 'jetstream' })
    expect(await ask('md.contracts.list')).toMatchObject({ source: 'test/feed' })
    await startFeed('test/odd', { type: 'nats', subjectPrefix: 'md' })
    expect(await ask('md-rpc.test.odd.health.check')).toMatchObject({ source: 'test/odd' })
  })

  it('reach each of several feeds on a bus: all of them by the plain subject, one by its own', async () => {
    await startFeed('test/one')
    await startFeed('test/two')
    const answers: Answer[] = []
    for await (const answer of await bus.requestMany('health.check', '', { maxMessages: 2, maxWait: 5000 }))
      answers.push(answer.json<Answer>())
    expect(answers.map(({ source }) => source).sort()).toEqual(['test/one', 'test/two'])
    for (const key of ['one', 'two'])
      expect(await ask(`market.tick-rpc.test.${key}.md.contracts.list`)).toMatchObject({ source: `test/${key}` })
  })

  it('are refused in words where they are no request, too large or too many', async () => {
    const feed = await startFeed('test/feed')
    expect(await ask('md.subscribe.bulk', { symbols: 'AP010' })).toMatchObject({ error: { reason: 'invalid_request' } })
    const answer = await bus.request('md.subscribe.bulk', 'x'.repeat(maxRequestBytes + 1), { timeout: 5000 })
    expect(answer.json()).toMatchObject({ error: { reason: 'too_large' } })
    const answers = await Promise.all(Array.from({ length: burst + 20 }, () => ask('health.check')))
    expect(answers.some(({ error }) => error?.reason === 'rate_limited')).toBe(true)
    expect(answers.some(({ status }) => status === 'ok')).toBe(true)
    expect(await (await feed.get('/metrics', {})).text()).toMatch(/md_rpc_requests_total\{.*result="refused".*\} [1-9]/)
  })

  it('are answered again after NATS came back', async () => {
    const feed = await startFeed('test/feed')
    await bus.close()
    await nats.restart()
    bus = await connect({ servers: [nats.url] })
    await until('an answer', () => ask('health.check').then(({ source }) => source === 'test/feed'))
    const told = await until('the feed to say so', async () => {
      const reasons = (await feed.events()).map(({ reason }) => reason).filter(reason => reason.startsWith('Rpc'))
      return reasons.length > 2 && reasons
    })
    expect(told).toEqual(['RpcReady', 'RpcLost', 'RpcReady'])
  })
})
