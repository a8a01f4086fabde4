// needs: nats-server
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Desired } from '../crds/contract/desired.ts'
import type { SessionStatus } from '../crds/contract/feedstatus.ts'
import { openConsumer } from '../feed/client/consumer.ts'
import type { SessionEvent } from '../feed/session/message.ts'
import { startSimulator } from '../feed/simulator/simulator.ts'
import { claimEpoch, epochSubjectOf } from '../feed/supervisor/claim.ts'
import { Fence } from '../feed/supervisor/fence.ts'
import { desiredOn, groupsOf, withLive } from './feed/desired.ts'
import { FeedProcess } from './feed/feedprocess.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Nats, startNats } from './services/nats.ts'

describe('an epoch', () => {
  let nats: Nats
  let first: NatsConnection
  let second: NatsConnection

  beforeAll(async () => {
    nats = await startNats()
    first = await connect({ servers: nats.url })
    second = await connect({ servers: nats.url })
  }, 30_000)

  afterAll(async () => {
    await first?.close()
    await second?.close()
    await nats?.stop()
  }, 30_000)

  const claim = (epoch: number, holder: 'old' | 'new', feed: string, prefix = 'market.tick') =>
    claimEpoch(epoch, { subject: epochSubjectOf(prefix, feed), holder }, holder === 'old' ? first : second)

  it('is claimed once, and again by the same process, and grows', async () => {
    expect(await claim(1, 'old', 'a/f')).toEqual({ state: 'claimed' })
    expect(await claim(1, 'old', 'a/f')).toEqual({ state: 'claimed' })
    expect(await claim(2, 'new', 'a/f')).toEqual({ state: 'claimed' })
  })

  it('that another process has is refused, and so is a lower one: a deposed process does not publish', async () => {
    await claim(5, 'new', 'b/f')
    expect(await claim(5, 'old', 'b/f')).toMatchObject({ state: 'deposed', by: { epoch: 5, holder: 'new' } })
    expect(await claim(4, 'old', 'b/f')).toMatchObject({ state: 'deposed' })
    expect(await claim(4, 'new', 'b/f')).toMatchObject({ state: 'deposed' })
    expect(await claim(6, 'old', 'b/f')).toEqual({ state: 'claimed' })
  })

  it('that two processes claim at the same time goes to one of them, 50 times out of 50', async () => {
    for (let epoch = 1; epoch <= 50; epoch++) {
      const outcomes = await Promise.all([claim(epoch, 'old', 'c/f'), claim(epoch, 'new', 'c/f')])
      expect(outcomes.map(({ state }) => state).sort()).toEqual(['claimed', 'deposed'])
    }
  })

  it('of one feed is not that of another, nor of one that publishes elsewhere', async () => {
    await claim(9, 'old', 'd/f.1')
    expect(await claim(1, 'new', 'd/f')).toEqual({ state: 'claimed' })
    expect(await claim(1, 'new', 'd/f.1', 'staging.tick')).toEqual({ state: 'claimed' })
  })

  it('cannot be claimed while the bus is away', async () => {
    const claimant = { subject: epochSubjectOf('market.tick', 'a/f'), holder: 'old' }
    await expect(claimEpoch(7, claimant, undefined)).rejects.toMatchObject({ class: 'transient', reason: 'FenceUnreachable' })
  })
})

describe('the right to claim an epoch', () => {
  const claimant = { subject: epochSubjectOf('market.tick', 'a/f'), holder: 'me' }
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  async function connectTo(options: Parameters<typeof startNats>[0]): Promise<NatsConnection> {
    const nats = await startNats(options)
    const connection = await connect({ servers: nats.url, ...(options?.user ? { user: 'feed', pass: 'secret' } : {}) })
    stops.push(nats.stop, () => connection.close())
    return connection
  }

  // As docs/concepts/publishing.md lists them.
  const publish = [
    '$JS.API.STREAM.MSG.GET.FEEDPLANE_EPOCHS',
    '$JS.API.STREAM.CREATE.FEEDPLANE_EPOCHS',
    'feedplane.epoch.market.tick.a.f',
  ]

  it('is what the page says, and a lack of it is told as such', async () => {
    const user = { user: 'feed', password: 'secret' }
    const subscribe = ['_INBOX.>', 'feedplane.epoch.market.tick.a.f']
    const permitted = await connectTo({ ...user, permissions: { publish, subscribe } })
    expect(await claimEpoch(1, claimant, permitted)).toEqual({ state: 'claimed' })
    const refused = await connectTo({ ...user, permissions: { publish: publish.slice(0, 2), subscribe } })
    await expect(claimEpoch(1, claimant, refused)).rejects.toMatchObject({ class: 'transient', reason: 'FenceUnreachable' })
  })

  it('is not needed where the server has no JetStream: nothing is fenced there', async () => {
    const connection = await connectTo({ isWithoutJetStream: true })
    expect(await claimEpoch(1, claimant, connection)).toEqual({ state: 'unfenced' })
    const said: SessionEvent[] = []
    const fence = new Fence({ ...claimant, say: event => void said.push(event), deposed: () => undefined })
    fence.up(connection)
    expect(await fence.admits(1)).toBe(true)
    expect(await fence.admits(2)).toBe(true)
    expect(said.map(({ type, reason }) => [type, reason])).toEqual([['Normal', 'Unfenced']])
    await fence.close()
  })
})

const instrumentCount = 100

/** Processes of one feed on one bus and one front, and a consumer that holds them to one publisher an epoch. */
class Rivals {
  readonly stops: (() => Promise<unknown>)[] = []
  nats!: Nats
  desired!: Desired

  async open(): Promise<void> {
    this.nats = await startNats()
    this.stops.push(this.nats.stop)
    const simulator = await startSimulator({ instruments: instrumentCount, rate: 2 })
    this.stops.push(() => simulator.stop())
    const base = desiredOn(simulator.ports[0] ?? 0, await groupsOf(instrumentCount))
    const publish = { ...base.launch.publish, type: 'jetstream' as const, servers: [this.nats.url] }
    this.desired = { ...base, launch: { ...base.launch, accounts: ['primary'], publish } }
  }

  async close(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop()
  }

  async start(): Promise<FeedProcess> {
    const directory = await temporaryDirectory('feed')
    const feed = new FeedProcess(directory.path)
    this.stops.push(directory.remove, () => feed.stop())
    await feed.prepare(this.desired)
    await feed.start()
    return feed
  }

  async consume() {
    const where = { type: 'jetstream' as const, servers: [this.nats.url], subjectPrefix: 'market.tick', stream: 'TICKS' }
    const epochs: number[] = []
    const consumer = await openConsumer({ ...where, onTick: ({ epoch }) => epochs.push(epoch) })
    this.stops.push(() => consumer.close())
    const ticksOf = async (epoch: number) => {
      const from = epochs.length
      await until(`ticks of epoch ${epoch}`, () => epochs.slice(from).filter(one => one === epoch).length > instrumentCount)
      return epochs.slice(from)
    }
    return { consumer, ticksOf }
  }
}

const sessionOf = async (feed: FeedProcess): Promise<SessionStatus> => {
  const [session] = (await feed.status()).sessions
  if (session === undefined) throw new Error('the feed has no session')
  return session
}

const isDeposed = (feed: FeedProcess) =>
  until('the feed to be deposed and closed', async () => {
    const { fence, sessions } = await feed.status()
    return fence?.state === 'deposed' && sessions.every(({ gate }) => gate === 'closed') && fence
  })

const isReady = (feed: FeedProcess) => until('the feed to be ready', () => feed.isReady())

/** The supervisor and its sessions, as an engine freezes a container. */
async function pidsOf(feed: FeedProcess): Promise<number[]> {
  return [feed.pid, (await sessionOf(feed)).pid ?? 0]
}

describe('two processes of one feed', () => {
  const rivals = new Rivals()
  afterEach(() => rivals.close())

  it('publish one at a time: the one that comes second is deposed, and so is one that was frozen meanwhile', async () => {
    await rivals.open()
    const old = await rivals.start()
    await isReady(old)
    const { consumer, ticksOf } = await rivals.consume()
    await ticksOf(1)

    // The same epoch: whoever comes second stays closed, also while the other starts anew.
    const fresh = await rivals.start()
    const { holder = '' } = (await old.status()).fence ?? {}
    expect(await isDeposed(fresh)).toMatchObject({ by: { holder, epoch: 1 } })
    expect((await fresh.events()).map(({ reason }) => reason)).toContain('Deposed')
    expect(await (await fresh.get('/readyz', {})).text()).toContain('"reason":"Deposed"')
    expect(await (await fresh.get('/metrics', {})).text()).toMatch(/md_fence_state\{state="deposed".*\} 1/)
    await old.stop()
    await old.start()
    await isReady(old)
    expect((await old.status()).fence).toEqual({ state: 'claimed', holder })
    await ticksOf(1)
    expect((await sessionOf(fresh)).published).toBe(0)

    // A frozen one: it learns that it is deposed when it comes to, and publishes no more.
    const frozen = await pidsOf(old)
    for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    try {
      expect(await fresh.put(withLive(rivals.desired, {}, 2))).toMatchObject({ status: 200 })
      await ticksOf(2)
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
    }
    expect(await isDeposed(old)).toMatchObject({ by: { epoch: 2 } })
    const { published } = await sessionOf(old)
    expect(new Set(await ticksOf(2))).toEqual(new Set([2]))
    expect((await sessionOf(old)).published).toBe(published)

    // A higher epoch is the way back, and deposes the other one while it publishes.
    expect(await old.put(withLive(rivals.desired, {}, 3))).toMatchObject({ status: 200 })
    await isReady(old)
    expect(await isDeposed(fresh)).toMatchObject({ by: { holder, epoch: 3 } })
    await ticksOf(3)
    expect(consumer.counts()).toMatchObject({ duplicates: 0, malformed: 0 })
  })

  it('follow each other: what ended in good order has left its epoch, and the next one says so; what was killed has not', async () => {
    await rivals.open()
    const old = await rivals.start()
    await isReady(old)
    const { consumer, ticksOf } = await rivals.consume()
    await ticksOf(1)
    const { holder = '' } = (await old.status()).fence ?? {}
    await old.stop()
    const next = await rivals.start()
    expect(await isDeposed(next)).toMatchObject({ by: { holder, epoch: 1, released: true } })
    expect(await next.put(withLive(rivals.desired, {}, 2))).toMatchObject({ status: 200 })
    await ticksOf(2)
    await next.stop('SIGKILL')
    const last = await rivals.start()
    const { by } = await isDeposed(last)
    expect(by?.epoch).toBe(2)
    expect(by?.released).toBeUndefined()
    expect(consumer.counts()).toMatchObject({ duplicates: 0, stale: 0, malformed: 0 })
  })

  it('wait for a bus that is away no longer than a moment, and claim their epoch when it is back', async () => {
    await rivals.open()
    await rivals.nats.kill()
    const feed = await rivals.start()
    await until('the gate to open', async () => (await sessionOf(feed)).gate === 'open')
    expect((await feed.status()).fence).toMatchObject({ state: 'unclaimed' })
    expect((await feed.events()).map(({ reason }) => reason)).toContain('FenceUnreachable')
    await rivals.nats.restart()
    await isReady(feed)
    await until('the claim', async () => (await feed.status()).fence?.state === 'claimed')
    expect((await feed.events()).map(({ reason }) => reason)).toContain('EpochClaimed')
  })
})
