import { setTimeout as delay } from 'node:timers/promises'
import { DeliverPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Tick } from '../crds/contract/tick.ts'
import { publishSchema } from '../crds/feedprofile.ts'
import { TickChecker } from '../feed/client/consumer.ts'
import { desiredOn, groupsOf } from '../test/feed/desired.ts'
import { FeedProcess } from '../test/feed/feedprocess.ts'
import { sumOf } from '../test/mainjob/sample.ts'
import { until } from '../test/services/deadline.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import { type Nats, startNats } from '../test/services/nats.ts'
import type { Figure } from './figure.ts'
import { startFront } from './front.ts'
import type { Measurement } from './measurement.ts'
import { rateOfStream } from './publish.ts'
import { median, percentile } from './sample.ts'
import { childrenOf, type Usage, usageOf } from './usage.ts'

const instruments = 20_000
const rate = 2
/** After the subscription: its 20,000 snapshots are not the load. */
const settleMs = 10_000
const lookMs = 5000
/** Of the measured time, at either end, whose memory is compared. */
const memoryShare = 0.2
const sampledInstruments = 1000
const peerRounds = 3
const storedDeadlineMs = 20_000

/** The full market for minutes: simulator, feed, server and the checking consumer all on this machine. */
export const load: Measurement = {
  name: 'load',
  about: '20,000 instruments of 2 ticks/s into a JetStream stream on disk; --minutes 10 for the full one',
  needs: ['nats-server'],
  onRequest: true,
  limitMs: 15 * 60_000,
  async measure(signal, { minutes }) {
    const world = await openWorld()
    try {
      await delay(settleMs, undefined, { signal })
      const run = await observe(world, minutes, signal)
      const unstored = await unstoredAfter(world)
      await world.feed.stop()
      return figuresOf(run, unstored, await peerRate(world.connection, signal))
    } finally {
      await world.close()
    }
  },
}

type Part = 'session' | 'supervisor' | 'simulator' | 'nats-server'
type Look = { at: number; metrics: string; usage: Record<Part, Usage> }
type World = Awaited<ReturnType<typeof openWorld>>
type Run = { looks: Look[]; latencies: number[]; sample: ReturnType<TickChecker['counts']> }

async function openWorld() {
  const ends: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const nats = await startNats()
    ends.push(() => nats.stop())
    const front = await startFront(instruments, rate)
    ends.push(() => front.stop())
    const directory = await temporaryDirectory('load')
    ends.push(() => directory.remove())
    const feed = new FeedProcess(directory.path)
    ends.push(() => feed.stop())
    const groups = await startFeed(feed, front.port, nats)
    const connection = await connect({ servers: nats.url })
    ends.push(() => connection.close())
    const manager = await jetstreamManager(connection)
    return { nats, front, feed, connection, manager, ...(await openSample(connection, sampleOf(groups))), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The smallest exchange that yields enough ticks for a p99.9. */
function sampleOf(exchanges: { exchange: string; count: number }[]): string {
  const enough = exchanges.filter(({ count }) => count >= sampledInstruments)
  return enough.toSorted((a, b) => a.count - b.count)[0]?.exchange ?? ''
}

/** One account: a warm standby would receive the same ticks again. Answers how many instruments each exchange has. */
async function startFeed(feed: FeedProcess, front: number, nats: Nats): Promise<{ exchange: string; count: number }[]> {
  const groups = await groupsOf(instruments)
  const desired = desiredOn(front, groups)
  const publish = publishSchema.parse({ type: 'jetstream', servers: [nats.url], stream: 'TICKS' })
  await feed.prepare({ ...desired, launch: { ...desired.launch, publish, accounts: ['primary'] } })
  await feed.start()
  await until('ticks of all instruments', async () => (await published(feed)) >= instruments, 120_000)
  const counts = Map.groupBy(groups, ({ exchange }) => exchange)
  return [...counts].map(([exchange, of]) => ({ exchange, count: of.reduce((sum, group) => sum + group.instruments.length, 0) }))
}

const metricsOf = async (feed: FeedProcess) => (await feed.get('/metrics')).text()
const published = async (feed: FeedProcess) => sumOf(await metricsOf(feed), 'md_ticks_published_total')

/** Reads one exchange and the gaps, checks them by the rules, and notes when the server stored each tick. */
async function openSample(connection: NatsConnection, exchange: string) {
  const checker = new TickChecker()
  const latencies: number[] = []
  const read = async (subject: string, take: (message: { timestampNanos: bigint; value: unknown }) => void) => {
    const options = { filter_subjects: subject, deliver_policy: DeliverPolicy.New }
    const consumer = await jetstream(connection).consumers.get('TICKS', options)
    await consumer.consume({ callback: m => take({ timestampNanos: BigInt(m.info.timestampNanos), value: m.json() }) })
  }
  await read(`market.tick.${exchange}.>`, ({ timestampNanos, value }) => {
    checker.receive('tick', () => value)
    latencies.push(Number(timestampNanos / 1000n) / 1000 - (value as Tick).receivedAt)
  })
  await read('market.tick-gap.>', ({ value }) => checker.receive('gap', () => value))
  return { checker, latencies }
}

async function observe(world: World, minutes: number, signal: AbortSignal): Promise<Run> {
  world.latencies.length = 0
  const parts = partsOf(world)
  const looks = [await look(world, parts)]
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end) {
    await delay(Math.min(lookMs, end - performance.now()), undefined, { signal })
    looks.push(await look(world, parts))
  }
  return { looks, latencies: [...world.latencies], sample: world.checker.counts() }
}

function partsOf({ feed, front, nats }: World): Record<Part, number> {
  const [session] = childrenOf(feed.pid)
  if (session === undefined) throw new Error('the session has ended')
  return { session, supervisor: feed.pid, simulator: front.pid, 'nats-server': nats.pid }
}

async function look({ feed }: World, pids: Record<Part, number>): Promise<Look> {
  const usage = Object.fromEntries(Object.entries(pids).map(([part, pid]) => [part, usageOf(pid)])) as Look['usage']
  return { at: performance.now(), metrics: await metricsOf(feed), usage }
}

/** Published ticks that the stream does not hold once the front is silent: there are none where acknowledgements mean what they say. */
async function unstoredAfter({ feed, front, manager, checker }: World): Promise<number> {
  await front.stop()
  let unstored = Number.NaN
  const isEven = async () => {
    const ticks = (await lastSequence(manager)) - checker.counts().gaps
    unstored = (await published(feed)) - ticks
    return unstored === 0
  }
  await until('the stream to hold what was published', isEven, storedDeadlineMs).catch(() => undefined)
  return unstored
}

const lastSequence = async (manager: JetStreamManager) => (await manager.streams.info('TICKS')).state.last_seq

async function peerRate(connection: NatsConnection, signal: AbortSignal): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < peerRounds; round++) {
    signal.throwIfAborted()
    rates.push(await rateOfStream(connection, 'market.tick'))
  }
  return median(rates)
}

function figuresOf(run: Run, unstored: number, peer: number): Figure[] {
  const { looks, latencies, sample } = run
  const [first, last] = [looks[0] as Look, looks.at(-1) as Look]
  const seconds = (last.at - first.at) / 1000
  const grown = (name: string) => sumOf(last.metrics, name) - sumOf(first.metrics, name)
  const count = (name: string, value: number): Figure => ({
    name,
    unit: 'count',
    value,
    n: 1,
    budget: { of: 'value', atMost: 0 },
  })
  const ticks = grown('md_ticks_published_total')
  return [
    {
      ...{ name: 'load: ticks published', unit: 'per s', value: ticks / seconds, n: ticks },
      beside: [{ kind: 'peer', name: 'nats.js: js.publish with 1000 in flight, at its peak', value: peer }],
    },
    count('load: ticks dropped or conflated', grown('md_ticks_dropped_total') + grown('md_ticks_conflated_total')),
    count('load: gaps recorded', grown('md_gaps_total')),
    count('load: published and not in the stream', unstored),
    count(`load: missing or double among ${sample.received} ticks read back`, sample.missing + sample.duplicates),
    ...latencyFigures(latencies, looks),
    ...usageFigures(looks, seconds),
  ]
}

function latencyFigures(latencies: number[], looks: Look[]): Figure[] {
  const n = latencies.length
  const row = (name: string, share: number): Figure => ({
    ...{ name: `load: gateway callback to the stream, ${name}`, unit: 'ms', n },
    value: percentile(latencies, share),
  })
  const acknowledged = looks.map(({ metrics }) => sumOf(metrics, 'md_publish_latency_p99_seconds') * 1000)
  return [
    {
      ...row('p50', 0.5),
      note: `measured by the server's time of storage; the least was ${percentile(latencies, 0).toFixed(3)} ms`,
    },
    { ...row('p99', 0.99), budget: { of: 'value', atMost: 5 } },
    { ...row('p99.9', 0.999), budget: { of: 'value', atMost: 25 } },
    {
      ...{ name: 'load: gateway callback to acknowledgement, p99 of 10 s, median', unit: 'ms' },
      ...{ value: median(acknowledged), n: acknowledged.length },
      note: `the worst of them was ${Math.max(...acknowledged).toFixed(1)} ms`,
    },
  ]
}

function usageFigures(looks: Look[], seconds: number): Figure[] {
  const [first, last] = [looks[0] as Look, looks.at(-1) as Look]
  const each = Math.max(1, Math.floor(looks.length * memoryShare))
  return (Object.keys(first.usage) as Part[]).flatMap((part): Figure[] => {
    const memory = looks.map(({ usage }) => usage[part].rssMB)
    return [
      {
        ...{ name: `load: CPU of ${part}`, unit: '% of a core', n: 1 },
        value: ((last.usage[part].cpuS - first.usage[part].cpuS) / seconds) * 100,
      },
      {
        ...{ name: `load: memory of ${part}, last fifth`, unit: 'MB', value: median(memory.slice(-each)), n: each },
        beside: [{ kind: 'peer', name: 'first fifth', value: median(memory.slice(0, each)) }],
      },
    ]
  })
}
