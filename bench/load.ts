import { setTimeout as delay } from 'node:timers/promises'
import { DeliverPolicy, type JetStreamManager, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
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
import { bareExchange, paceBare } from './barestream.ts'
import type { Figure } from './figure.ts'
import { startFront } from './front.ts'
import { type Measurement, settleMs } from './measurement.ts'
import { rateOfStream } from './publish.ts'
import { median, percentile } from './sample.ts'
import { childrenOf, type Usage, usageOf } from './usage.ts'

const instruments = 20_000
/** The stream keeps all of it, so that it can be read back: 1 KB a tick. */
const streamBytes = 40 * 2 ** 30
const lookMs = 5000
/** Of the measured time, at either end, whose memory is compared. */
const memoryShare = 0.2
const sampledInstruments = 1000
const peerRounds = 3
/** Long enough for the server's collector, which comes every 5 to 15 s. */
const floorSeconds = 30
const storedDeadlineMs = 20_000
const readAhead = 5000

/** The full market for minutes: simulator, feed, server and the checking consumer all on this machine. */
export const load: Measurement = {
  name: 'load',
  about: '40,000 ticks/s of 20,000 instruments into a JetStream stream on disk; --minutes 10 for the full one',
  needs: ['nats-server'],
  onRequest: true,
  limitMs: 25 * 60_000,
  async measure(signal, { minutes, perSecond }) {
    const world = await openWorld(perSecond)
    try {
      await delay(settleMs, undefined, { signal })
      const run = await observe(world, minutes, signal)
      const unstored = await unstoredAfter(world)
      const sample = await readBack(world, run.from)
      await world.feed.stop()
      const floor = await bareFloor(world, perSecond, signal)
      return figuresOf(run, { unstored, sample, floor, peer: await peerRate(world.connection, signal) })
    } finally {
      await world.close()
    }
  },
}

export type Part = 'session' | 'supervisor' | 'simulator' | 'nats-server'
type Look = { at: number; metrics: string; usage: Record<Part, Usage> }
type World = Awaited<ReturnType<typeof openWorld>>
type Sample = ReturnType<TickChecker['counts']> & { latencies: number[] }
type Run = { looks: Look[]; from: Date }

export async function openWorld(perSecond: number) {
  const ends: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const nats = await startNats({ isForMarket: true })
    ends.push(() => nats.stop())
    const front = await startFront(instruments, perSecond / instruments)
    ends.push(() => front.stop())
    const directory = await temporaryDirectory('load')
    ends.push(() => directory.remove())
    const feed = new FeedProcess(directory.path)
    ends.push(() => feed.stop())
    const groups = await startFeed(feed, front.port, nats)
    const connection = await connect({ servers: nats.url })
    ends.push(() => connection.close())
    const manager = await jetstreamManager(connection)
    return { nats, front, feed, connection, manager, exchange: sampleOf(groups), close }
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
  const publish = publishSchema.parse({ type: 'jetstream', servers: [nats.url], stream: 'TICKS', maxBytes: streamBytes })
  await feed.prepare({ ...desired, launch: { ...desired.launch, publish, accounts: ['primary'] } })
  await feed.start()
  await until('ticks of all instruments', async () => (await published(feed)) >= instruments, 120_000)
  const counts = Map.groupBy(groups, ({ exchange }) => exchange)
  return [...counts].map(([exchange, of]) => ({ exchange, count: of.reduce((sum, group) => sum + group.instruments.length, 0) }))
}

const metricsOf = async (feed: FeedProcess) => (await feed.get('/metrics')).text()
const published = async (feed: FeedProcess) => sumOf(await metricsOf(feed), 'md_ticks_published_total')

/** Of the ticks that passed the gate, those that the queue did not give up. */
const kept = (metrics: string) => sumOf(metrics, 'md_ticks_published_total') - lostIn(metrics)
const lostIn = (metrics: string) => sumOf(metrics, 'md_ticks_dropped_total') + sumOf(metrics, 'md_ticks_conflated_total')

/** What the stream holds of one exchange, checked by the rules, with the time from each tick's receipt to its storage, in ms. */
async function readBack({ connection, exchange }: World, from: Date): Promise<Sample> {
  const checker = new TickChecker()
  const latencies: number[] = []
  for (const subject of [`market.tick.${exchange}.>`, 'market.tick-gap.>']) {
    const kind = subject.startsWith('market.tick.') ? 'tick' : 'gap'
    await readAll(connection, { subject, from }, message => {
      const value = message.json()
      checker.receive(kind, () => value)
      if (kind === 'tick') latencies.push(storedAt(message) - (value as Tick).receivedAt)
    })
  }
  return { ...checker.counts(), latencies }
}

/** ms since 1970, by the server's clock, which is this machine's. */
const storedAt = ({ info }: JsMsg) => Number(BigInt(info.timestampNanos) / 1000n) / 1000

/** The consumer goes at once: each costs the server time with every message. */
async function readAll(connection: NatsConnection, part: { subject: string; from: Date }, take: (message: JsMsg) => void) {
  const options = {
    filter_subjects: part.subject,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: part.from.toISOString(),
  }
  const consumer = await jetstream(connection).consumers.get('TICKS', options)
  try {
    if ((await consumer.info()).num_pending === 0) return
    for await (const message of await consumer.consume({ max_messages: readAhead })) {
      take(message)
      if (message.info.pending === 0) return
    }
  } finally {
    await consumer.delete()
  }
}

async function observe(world: World, minutes: number, signal: AbortSignal): Promise<Run> {
  const from = new Date()
  const parts = partsOf(world)
  const looks = [await look(world, parts)]
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end) {
    await delay(Math.min(lookMs, end - performance.now()), undefined, { signal })
    looks.push(await look(world, parts))
  }
  return { looks, from }
}

export function partsOf({ feed, front, nats }: World): Record<Part, number> {
  const [session] = childrenOf(feed.pid)
  if (session === undefined) throw new Error('the session has ended')
  return { session, supervisor: feed.pid, simulator: front.pid, 'nats-server': nats.pid }
}

async function look({ feed }: World, pids: Record<Part, number>): Promise<Look> {
  const usage = Object.fromEntries(Object.entries(pids).map(([part, pid]) => [part, usageOf(pid)])) as Look['usage']
  return { at: performance.now(), metrics: await metricsOf(feed), usage }
}

/** Ticks that were kept and that the stream does not hold once the front is silent: there are none where acknowledgements mean what they say. */
async function unstoredAfter({ feed, front, manager }: World): Promise<number> {
  await front.stop()
  let unstored = Number.NaN
  const isEven = async () => {
    const ticks = (await lastSequence(manager)) - (await storedGaps(manager))
    unstored = kept(await metricsOf(feed)) - ticks
    return unstored === 0
  }
  await until('the stream to hold what was kept', isEven, storedDeadlineMs).catch(() => undefined)
  return unstored
}

async function storedGaps(manager: JetStreamManager): Promise<number> {
  const info = await manager.streams.info('TICKS', { subjects_filter: 'market.tick-gap.>' })
  return Object.values(info.state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
}

const lastSequence = async (manager: JetStreamManager) => (await manager.streams.info('TICKS')).state.last_seq

type Floor = { latencies: number[]; serverCpu: number }

/** What the server makes of the same rate where nothing else runs and nothing is computed: its latencies in ms, its CPU in % of a core. */
async function bareFloor({ connection, manager, nats }: World, perSecond: number, signal: AbortSignal): Promise<Floor> {
  const from = new Date()
  const first = (await lastSequence(manager)) + 1
  const before = { cpuS: usageOf(nats.pid).cpuS, at: performance.now() }
  const came = await paceBare(connection, { prefix: 'market.tick', instruments, perSecond, seconds: floorSeconds }, signal)
  const serverCpu = ((usageOf(nats.pid).cpuS - before.cpuS) / (performance.now() - before.at)) * 100_000
  const latencies: number[] = []
  await readAll(connection, { subject: `market.tick.${bareExchange}.>`, from }, message => {
    latencies.push(storedAt(message) - (came[message.seq - first] ?? Number.NaN))
  })
  return { latencies, serverCpu }
}

async function peerRate(connection: NatsConnection, signal: AbortSignal): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < peerRounds; round++) {
    signal.throwIfAborted()
    rates.push(await rateOfStream(connection, 'market.tick'))
  }
  return median(rates)
}

type Outcome = { unstored: number; sample: Sample; floor: Floor; peer: number }

function figuresOf({ looks }: Run, { unstored, sample, floor, peer }: Outcome): Figure[] {
  const [first, last] = [looks[0] as Look, looks.at(-1) as Look]
  const seconds = (last.at - first.at) / 1000
  const grown = (of: (metrics: string) => number) => of(last.metrics) - of(first.metrics)
  const grownBy = (name: string) => grown(metrics => sumOf(metrics, name))
  const count = (name: string, value: number): Figure => ({
    name,
    unit: 'count',
    value,
    n: 1,
    budget: { of: 'value', atMost: 0 },
  })
  const received = grownBy('md_ticks_published_total')
  return [
    { name: 'load: ticks that passed the gate', unit: 'per s', value: received / seconds, n: received },
    {
      ...{ name: 'load: ticks published', unit: 'per s', value: grown(kept) / seconds, n: grown(kept) },
      beside: [{ kind: 'peer', name: 'nats.js: js.publish with 1000 in flight, at its peak', value: peer }],
    },
    count('load: ticks dropped or conflated', grown(lostIn)),
    count('load: gaps recorded', grownBy('md_gaps_total')),
    count('load: the front cut the session', grownBy('md_reconnects_total')),
    count('load: kept and not in the stream', unstored),
    count(`load: missing or double among ${sample.received} ticks read back`, sample.missing + sample.duplicates),
    ...latencyFigures(sample.latencies, floor.latencies, looks),
    ...usageFigures(looks, seconds, floor.serverCpu),
  ]
}

const bareName = 'a bare loop of nats.js at that rate, nothing else beside it'

function latencyFigures(latencies: number[], bare: number[], looks: Look[]): Figure[] {
  const n = latencies.length
  const row = (name: string, share: number): Figure => ({
    ...{ name: `load: gateway callback to the stream, ${name}`, unit: 'ms', n },
    value: percentile(latencies, share),
    beside: [{ kind: 'floor', name: bareName, value: percentile(bare, share) }],
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

function usageFigures(looks: Look[], seconds: number, bareServerCpu: number): Figure[] {
  const [first, last] = [looks[0] as Look, looks.at(-1) as Look]
  const each = Math.max(1, Math.floor(looks.length * memoryShare))
  return (Object.keys(first.usage) as Part[]).flatMap((part): Figure[] => {
    const memory = looks.map(({ usage }) => usage[part].rssMB)
    return [
      {
        ...{ name: `load: CPU of ${part}`, unit: '% of a core', n: 1 },
        value: ((last.usage[part].cpuS - first.usage[part].cpuS) / seconds) * 100,
        ...(part === 'nats-server' && { beside: [{ kind: 'floor', name: bareName, value: bareServerCpu }] }),
      },
      {
        ...{ name: `load: memory of ${part}, last fifth`, unit: 'MB', value: median(memory.slice(-each)), n: each },
        beside: [{ kind: 'peer', name: 'first fifth', value: median(memory.slice(0, each)) }],
      },
    ]
  })
}
