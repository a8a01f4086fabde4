// needs: nats-server

import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect, nanos } from '@nats-io/transport-node'
import { afterEach, expect, it } from 'vitest'
import type { Launch } from '../crds/contract/desired.ts'
import type { Gap, Tick } from '../crds/contract/tick.ts'
import { type Consumer, type ConsumerOptions, openConsumer } from '../feed/client/consumer.ts'
import type { TickLine } from '../feed/publish/numbered.ts'
import { openPublisher, type PublisherOptions } from '../feed/publish/open.ts'
import type { Publisher } from '../feed/publish/publisher.ts'
import { sampleLine, samplePush, sampleTick } from '../feed/publish/sampletick.ts'
import { until } from './services/deadline.ts'
import { type Nats, type NatsOptions, startNats } from './services/nats.ts'

const feed = 'production/ctp-futures'
const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(options: NatsOptions = {}): Promise<Nats> {
  const nats = await startNats(options)
  closers.push(nats.stop)
  return nats
}

const settings = (type: Launch['publish']['type'], nats: Nats): Launch['publish'] => ({
  type,
  servers: [nats.url],
  subjectPrefix: 'market.tick',
  stream: 'TICKS',
  maxAgeSeconds: 3600,
  maxBytes: 64 * 1024 * 1024,
})

type Bench = { publisher: Publisher; gaps: Gap[]; logged: unknown[]; send: (instruments: number) => void; sent: () => number }

/** A publisher with the source of a feed in front of it: `send` gives each of so many instruments its next tick. */
async function publish(
  type: Launch['publish']['type'],
  nats: Nats,
  options: Partial<PublisherOptions> & { maxTicks?: number } = {},
): Promise<Bench> {
  const gaps: Gap[] = []
  const logged: unknown[] = []
  const log = { info: (...line: unknown[]) => void logged.push(line), warn: (...line: unknown[]) => void logged.push(line) }
  const { maxTicks = 65_536, ...rest } = options
  const publisher = await openPublisher(
    settings(type, nats),
    { maxTicks },
    {
      feed,
      account: 'primary',
      log: log as unknown as NonNullable<PublisherOptions['log']>,
      onGap: gap => gaps.push(gap),
      ...rest,
    },
  )
  closers.push(() => publisher.close())
  const sequences: number[] = []
  const lines: TickLine[] = []
  let sent = 0
  const send = (instruments: number) => {
    for (let i = 0; i < instruments; i++) {
      const sequence = (sequences[i] ?? 0) + 1
      sequences[i] = sequence
      sent++
      const line = lines[i] ?? sampleLine(`rb${i}`)
      lines[i] = line
      publisher.publish(samplePush(line, { sequence }))
    }
  }
  return { publisher, gaps, logged, send, sent: () => sent }
}

async function consume(nats: Nats, options: Partial<ConsumerOptions> = {}): Promise<Consumer> {
  const consumer = await openConsumer({
    type: 'nats',
    servers: [nats.url],
    subjectPrefix: 'market.tick',
    stream: 'TICKS',
    ...options,
  })
  closers.push(() => consumer.close())
  return consumer
}

const connected = ({ publisher }: Bench) => until('the publisher to connect', () => publisher.status().connected)
const disconnected = ({ publisher }: Bench) => until('the publisher to notice', () => !publisher.status().connected)
const flushed = async ({ publisher }: Bench) => publisher.flush(AbortSignal.timeout(30_000))

/** A cable to the server that can be made to hold back what the server says, while what it is told still arrives. */
async function cableTo(nats: Nats): Promise<{ url: string; silence(): void; restore(): void }> {
  let isSilent = false
  const ends = new Set<Socket>()
  const cable = createServer(client => {
    const server = dial(nats.port, '127.0.0.1')
    for (const end of [client, server])
      ends.add(end.on('error', () => {}).on('close', () => [client, server].map(s => s.destroy())))
    client.pipe(server)
    server.on('data', data => isSilent || client.write(data))
  })
  await new Promise<void>(resolve => cable.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    for (const end of ends) end.destroy()
    cable.close()
  })
  const set = (silent: boolean) => () => {
    isSilent = silent
  }
  return { url: `nats://127.0.0.1:${(cable.address() as AddressInfo).port}`, silence: set(true), restore: set(false) }
}

/** Sends ticks of 50 instruments every few ms until the returned function is called. */
function keepSending({ send }: Bench): () => void {
  const timer = setInterval(() => send(50), 5)
  return () => clearInterval(timer)
}

async function withStreams<T>(
  nats: Nats,
  use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: nats.url })
  try {
    return await use(await jetstreamManager(connection))
  } finally {
    await connection.close()
  }
}

const addStream = (nats: Nats, config: Partial<StreamConfig>) =>
  withStreams(nats, manager =>
    manager.streams.add({
      name: 'TICKS',
      subjects: ['market.tick.>', 'market.tick-gap.>'],
      duplicate_window: nanos(10_000),
      ...config,
    }),
  )

const streamInfo = (nats: Nats) => withStreams(nats, manager => manager.streams.info('TICKS'))

/** Everything that the stream holds, checked. */
async function readStream(nats: Nats, ticks: number) {
  const consumer = await consume(nats, { type: 'jetstream', from: 'start' })
  await until('the stream to be read', () => consumer.counts().received >= ticks)
  return consumer.counts()
}

it('brings ticks to a core subscriber, in order and unchanged', async () => {
  const nats = await serve()
  const ticks: Tick[] = []
  const consumer = await consume(nats, { onTick: tick => ticks.push(tick), subjects: ['market.tick.SHFE.>'] })
  const bench = await publish('nats', nats)
  await connected(bench)
  for (let i = 0; i < 20; i++) bench.send(200)
  await flushed(bench)
  await until('the ticks', () => consumer.counts().received === bench.sent())
  expect(consumer.counts()).toMatchObject({ accepted: 4000, missing: 0, duplicates: 0, malformed: 0 })
  const { publishedAt, receivedAt, ...rest } = ticks[0] as Tick
  const { publishedAt: _p, receivedAt: _r, ...expected } = sampleTick({ feed, instrument: 'rb0' })
  expect(rest).toEqual(expected)
  expect(publishedAt).toBeGreaterThanOrEqual(receivedAt)
  expect(bench.publisher.status()).toMatchObject({ published: 4000, queued: 0, outstanding: 0, conflated: 0, dropped: 0 })
})

it('does not wait for a bus that is away, and finds it when it comes', async () => {
  const nats = await serve()
  await nats.kill()
  const bench = await publish('jetstream', nats)
  bench.send(10)
  await until('a refused connection', () => bench.publisher.status().message?.includes('refused'))
  expect(bench.publisher.status()).toMatchObject({ connected: false, queued: 10 })
  await nats.restart()
  await connected(bench)
  await flushed(bench)
  expect(await readStream(nats, 10)).toMatchObject({ accepted: 10, missing: 0 })
})

it("creates the stream with the profile's limits, for the ticks and the gaps", async () => {
  const nats = await serve()
  const bench = await publish('jetstream', nats)
  await connected(bench)
  const { config } = await streamInfo(nats)
  expect(config).toMatchObject({
    subjects: ['market.tick.>', 'market.tick-gap.>'],
    storage: 'file',
    discard: 'old',
    max_bytes: 64 * 1024 * 1024,
    max_age: nanos(3_600_000),
    duplicate_window: nanos(10_000),
  })
})

it('stores each tick once over a kill and a restart of the server', async () => {
  const nats = await serve()
  const bench = await publish('jetstream', nats)
  await connected(bench)
  const stop = keepSending(bench)
  await until('a flow', () => bench.publisher.status().published > 500)
  await nats.kill()
  await disconnected(bench)
  await nats.restart()
  await connected(bench)
  stop()
  await flushed(bench)
  const { published, conflated, dropped } = bench.publisher.status()
  expect({ published, conflated, dropped }).toEqual({ published: bench.sent(), conflated: 0, dropped: 0 })
  expect(await readStream(nats, bench.sent())).toMatchObject({ accepted: bench.sent(), missing: 0, duplicates: 0 })
  expect((await streamInfo(nats)).state.messages).toBe(bench.sent())
})

it('stores each tick once over an outage that the server remembers no message ids of', async () => {
  const nats = await serve()
  await addStream(nats, { duplicate_window: nanos(100) })
  const bench = await publish('jetstream', nats)
  await connected(bench)
  const stop = keepSending(bench)
  for (let i = 1; i <= 3; i++) {
    const before = bench.publisher.status().published
    await until('a flow', () => bench.publisher.status().published > before + 500)
    await nats.kill()
    await disconnected(bench)
    await nats.restart()
    await connected(bench)
  }
  stop()
  await flushed(bench)
  expect(bench.publisher.status().published).toBe(bench.sent())
  expect((await streamInfo(nats)).state.messages).toBe(bench.sent())
  expect(await readStream(nats, bench.sent())).toMatchObject({ accepted: bench.sent(), missing: 0, duplicates: 0 })
})

it('looks into the stream before it sends again what the server has stored and forgotten the ids of', async () => {
  const nats = await serve()
  await addStream(nats, { duplicate_window: nanos(100) })
  const cable = await cableTo(nats)
  const bench = await publish('jetstream', { ...nats, url: cable.url })
  await connected(bench)
  cable.silence()
  bench.send(40)
  await until('the ticks to be stored', async () => (await streamInfo(nats)).state.messages === 40)
  await disconnected(bench)
  expect(bench.publisher.status()).toMatchObject({ outstanding: 40, published: 0 })
  cable.restore()
  await connected(bench)
  bench.send(40)
  await flushed(bench)
  expect(bench.publisher.status()).toMatchObject({ published: 80, queued: 0 })
  expect(await readStream(nats, 80)).toMatchObject({ accepted: 80, missing: 0, duplicates: 0 })
  expect((await streamInfo(nats)).state.messages).toBe(80)
})

it('stores each tick once over five seconds in which the server is frozen', async () => {
  const nats = await serve()
  const bench = await publish('jetstream', nats)
  await connected(bench)
  const stop = keepSending(bench)
  await until('a flow', () => bench.publisher.status().published > 500)
  const frozenAt = performance.now()
  nats.freeze()
  await disconnected(bench)
  await until('five seconds', () => performance.now() - frozenAt > 5000)
  nats.thaw()
  await connected(bench)
  stop()
  await flushed(bench)
  expect(bench.publisher.status()).toMatchObject({ published: bench.sent(), conflated: 0, dropped: 0 })
  expect(await readStream(nats, bench.sent())).toMatchObject({ accepted: bench.sent(), missing: 0, duplicates: 0 })
})

it('conflates in a bounded queue while a core bus is away, counts it, and tells it as gaps', async () => {
  const nats = await serve()
  const bench = await publish('nats', nats, { maxTicks: 1000 })
  await connected(bench)
  bench.send(100)
  await flushed(bench)
  await nats.kill()
  await disconnected(bench)
  for (let i = 0; i < 50; i++) bench.send(100)
  expect(bench.publisher.status()).toMatchObject({ queued: 100, conflated: 4900, dropped: 0, published: 100 })
  for (let i = 0; i < 10; i++) bench.send(1500)
  const { queued, conflated, dropped } = bench.publisher.status()
  expect(queued).toBe(1000)
  expect(dropped).toBeGreaterThan(0)
  expect(queued + conflated + dropped).toBe(bench.sent() - 100)
  // The server was killed right after it had read the first hundred: nobody knows whether it passed them on.
  const reasons = () => new Set(bench.gaps.map(gap => gap.reason))
  await until('the gaps', () => reasons().size === 3)
  expect(reasons()).toEqual(new Set(['BusDisconnected', 'Conflated', 'QueueOverflow']))

  await nats.restart()
  const told: Gap[] = []
  const consumer = await consume(nats, { onGap: gap => told.push(gap) })
  await connected(bench)
  await flushed(bench)
  bench.send(1500)
  await flushed(bench)
  await until('the gaps on the bus', () => told.length >= 2)
  expect(consumer.counts().duplicates).toBe(0)
  expect(told.map(gap => [gap.feed, gap.reason])).toContainEqual([feed, 'Conflated'])
})

it('tells what may be lost when a core connection breaks', async () => {
  const nats = await serve()
  const bench = await publish('nats', nats)
  await connected(bench)
  nats.freeze()
  bench.send(30)
  await disconnected(bench)
  await until('the gap', () => bench.gaps.length > 0)
  expect(bench.gaps).toMatchObject([{ feed, epoch: 1, reason: 'BusDisconnected', instrumentCount: 30 }])
  nats.thaw()
  await connected(bench)
  const consumer = await consume(nats)
  bench.send(30)
  await flushed(bench)
  await until('ticks again', () => consumer.counts().accepted === 30)
})

it('says that a stream is full, holds its bound, and goes on when there is room', async () => {
  const nats = await serve()
  await addStream(nats, { max_msgs: 100, discard: 'new' })
  const bench = await publish('jetstream', nats, { maxTicks: 1000 })
  await connected(bench)
  for (let i = 0; i < 300; i++) bench.send(10)
  await until('the refusal', () => bench.publisher.status().message?.includes('maximum messages exceeded'))
  await disconnected(bench)
  await until('the gaps', () => bench.gaps.some(gap => gap.reason === 'BusRefused'))
  const { queued, conflated, dropped } = bench.publisher.status()
  expect(queued).toBeLessThanOrEqual(1000)
  expect(conflated).toBeGreaterThan(0)
  expect(dropped).toBeGreaterThan(0)

  await withStreams(nats, manager => manager.streams.purge('TICKS'))
  await withStreams(nats, async manager => manager.streams.update('TICKS', { max_msgs: 100_000 }))
  await flushed(bench)
  const status = bench.publisher.status()
  expect(status).toMatchObject({ connected: true, queued: 0 })
  expect(status.published + status.conflated + status.dropped).toBe(bench.sent())
  await until('the last gap to be stored', () => bench.publisher.status().outstanding === 0)
  expect(bench.publisher.status().message).toBeUndefined()
})

it('is with the bus where the stream refuses one instrument, and says so no longer when that is given up', async () => {
  const nats = await serve()
  await addStream(nats, { max_msg_size: 2000 })
  const bench = await publish('jetstream', nats)
  await connected(bench)
  bench.publisher.publish(samplePush(sampleLine('large'), { tradingDay: 'x'.repeat(3000) }))
  await until('the refusal', () => bench.publisher.status().message?.includes('message size exceeds maximum'))
  await until('the gap', () => {
    bench.send(1)
    expect(bench.publisher.status().connected).toBe(true)
    return bench.gaps.some(gap => gap.reason === 'BusRefused')
  })
  bench.send(1)
  await until('the message to go', () => bench.publisher.status().message === undefined)
})

it('tells a tick that the stream takes for another one by its id', async () => {
  const nats = await serve()
  const bench = await publish('jetstream', nats)
  await connected(bench)
  const line = sampleLine()
  for (const sequence of [1, 2]) bench.publisher.publish(samplePush(line, { sequence, hash: 17 }))
  bench.publisher.publish(samplePush(line, { sequence: 3, hash: 18 }))
  await flushed(bench)
  expect(bench.publisher.status()).toMatchObject({ published: 2, dropped: 1 })
  await until('the gap', () => bench.gaps.length > 0)
  expect(bench.gaps).toMatchObject([{ reason: 'DuplicateId', instrumentCount: 1 }])
  expect(await readStream(nats, 2)).toMatchObject({ accepted: 2, missing: 1 })
})

it('makes the stream again when somebody deletes it', async () => {
  const nats = await serve()
  const bench = await publish('jetstream', nats)
  await connected(bench)
  bench.send(10)
  await flushed(bench)
  await withStreams(nats, manager => manager.streams.delete('TICKS'))
  bench.send(10)
  await flushed(bench)
  expect(await readStream(nats, 10)).toMatchObject({ accepted: 10 })
  expect(bench.publisher.status()).toMatchObject({ connected: true, published: 20, dropped: 0 })
})

it('makes a deleted stream again where a plain subscriber takes the subjects', async () => {
  const nats = await serve()
  const bench = await publish('jetstream', nats)
  await connected(bench)
  const consumer = await openConsumer({ type: 'nats', servers: [nats.url], subjectPrefix: 'market.tick' })
  try {
    await withStreams(nats, manager => manager.streams.delete('TICKS'))
    bench.send(10)
    await flushed(bench)
  } finally {
    await consumer.close()
  }
  expect(await readStream(nats, 10)).toMatchObject({ accepted: 10 })
})

it('leaves a stream as it is that does not capture the subjects, and says which', async () => {
  const nats = await serve()
  await addStream(nats, { subjects: ['market.tick.>'] })
  const bench = await publish('jetstream', nats)
  await until('the error', () => bench.publisher.status().message?.includes('does not capture'))
  expect(bench.publisher.status()).toMatchObject({
    connected: false,
    message: expect.stringMatching(/^StreamUnfit: stream TICKS does not capture market.tick-gap.production.ctp-futures/),
  })
  expect((await streamInfo(nats)).config.subjects).toEqual(['market.tick.>'])
})

it('takes no stream that does not acknowledge', async () => {
  const nats = await serve()
  await addStream(nats, { no_ack: true })
  const bench = await publish('jetstream', nats)
  const isUnfit = () => /^StreamUnfit: stream TICKS does not acknowledge/.test(bench.publisher.status().message ?? '')
  await until('the error', isUnfit)
  expect(bench.publisher.status().connected).toBe(false)
})

it('says that the server has no JetStream', async () => {
  const bench = await publish('jetstream', await serve({ isWithoutJetStream: true }))
  await until('the error', () => bench.publisher.status().message?.startsWith('StreamUnavailable: stream TICKS: '))
  expect(bench.publisher.status().connected).toBe(false)
})

it('logs in with the secrets and shows them nowhere', async () => {
  const password = 'canary-4f1d'
  const nats = await serve({ user: 'feed', password })
  const right = await publish('nats', nats, { secrets: { USER: 'feed', PASSWORD: password } })
  await connected(right)
  const wrong = await publish('nats', nats, { secrets: { USER: 'feed', PASSWORD: `${password}-wrong` } })
  await until('the refusal', () => /authorization/i.test(wrong.publisher.status().message ?? ''))
  wrong.send(3)
  const shown = JSON.stringify([right, wrong].map(({ publisher, logged, gaps }) => [publisher.status(), logged, gaps]))
  expect(shown).not.toContain('canary')
  expect(wrong.publisher.status().connected).toBe(false)
})

it('logs in with a token', async () => {
  const nats = await serve({ token: 'canary-9a2c' })
  const bench = await publish('nats', nats, { secrets: { TOKEN: 'canary-9a2c' } })
  await connected(bench)
  expect(JSON.stringify([bench.publisher.status(), bench.logged])).not.toContain('canary')
})

it('ends with its signal, and tells what was not published', async () => {
  const nats = await serve()
  await nats.kill()
  const end = new AbortController()
  const bench = await publish('nats', nats, { signal: end.signal })
  bench.send(5)
  end.abort()
  await bench.publisher.close()
  expect(bench.gaps).toMatchObject([{ reason: 'PublisherClosed', instrumentCount: 5 }])
})
