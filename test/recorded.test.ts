// needs: nats-server
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { parse } from 'csv-parse/sync'
import { describe, it } from 'vitest'
import type { InstrumentGroup } from '../crds/contract/desired.ts'
import { type Gap, type Tick, tickHeaders } from '../crds/contract/tick.ts'
import { openConsumer } from '../feed/client/consumer.ts'
import { desiredOn, withLive } from './feed/desired.ts'
import { FeedProcess } from './feed/feedprocess.ts'
import { isLong } from './long.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Nats, startNats } from './services/nats.ts'

type Row = Record<string, string | undefined>
type Content = Omit<Tick, 'sequence' | 'receivedAt' | 'publishedAt' | 'snapshot'>
type Stored = { subject: string; messageId: string; tick: Tick }

const isGap = (subject: string): boolean => subject.startsWith('market.tick-gap.')

const dataDirectory = join(import.meta.dirname, '../examples/data')

/** The fastest that a profile may ask for: a recorded second a turn of the timer, so that no queue fills. */
const speed = 1000

const apples: InstrumentGroup = {
  exchange: 'CZCE',
  product: 'AP',
  class: 'future',
  multiplier: 10,
  priceTick: 1,
  windows: {
    day: [
      ['09:00:00', '10:15:00'],
      ['10:30:00', '11:30:00'],
      ['13:30:00', '15:00:00'],
    ],
  },
  instruments: ['AP010'],
}
const indexFuture: InstrumentGroup = {
  exchange: 'CFFEX',
  product: 'IF',
  class: 'future',
  multiplier: 300,
  priceTick: 0.2,
  windows: {
    day: [
      ['09:30:00', '11:30:00'],
      ['13:00:00', '15:00:00'],
    ],
  },
  instruments: ['IF2101'],
}

type Ground = { nats: Nats; feed: FeedProcess }

/** A bus and a feed of the test's own. */
async function withGround<T>(work: (ground: Ground) => Promise<T>): Promise<T> {
  const [nats, directory] = [await startNats(), await temporaryDirectory('feed')]
  const feed = new FeedProcess(directory.path)
  try {
    return await work({ nats, feed })
  } finally {
    await feed.stop()
    await directory.remove()
    await nats.stop()
  }
}

// What a tick keeps of a push, as docs/concepts/feed.md ("What a tick keeps of a push") has it, stated once more without the feed's code.
const numberOf = (text = ''): number | null =>
  text === '' || text === 'N/A' || Number(text) >= 1.7976931348e308 ? null : Number(text)

function sideOf(row: Row, side: 'Bid' | 'Ask'): [number, number][] {
  return [1, 2, 3, 4, 5].flatMap(level => {
    const price = numberOf(row[`${side}Price${level}`])
    const volume = Number(row[`${side}Volume${level}`])
    return price === null || volume === 0 ? [] : [[price, volume] as [number, number]]
  })
}

function minutesBefore(time: string, minutes: number): string {
  return new Date(Date.parse(`1970-01-01T${time}Z`) - minutes * 60_000).toISOString().slice(11, 19)
}

function contentOf(row: Row, { exchange, multiplier, windows }: InstrumentGroup): Content {
  const { TradingDay = '', ActionDay = '', UpdateTime = '', UpdateMillisec = '', InstrumentID = '', Volume } = row
  const isNight = UpdateTime >= '18:00:00' || UpdateTime < '08:00:00'
  const day = isNight ? ActionDay : TradingDay
  const [[firstOpen] = ['']] = windows.day
  const isAuction = UpdateTime >= minutesBefore(firstOpen, 5) && UpdateTime < firstOpen
  const isInSession = isAuction || windows.day.some(([opens, ends]) => UpdateTime >= opens && UpdateTime < ends)
  const price = (column: string) => numberOf(row[column])
  const average = price('AveragePrice')
  return {
    feed: 'test/feed',
    account: 'primary',
    epoch: 1,
    instrument: InstrumentID,
    exchange,
    tradingDay: TradingDay,
    exchangeTime: `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T${UpdateTime}.${UpdateMillisec.padStart(3, '0')}+08:00`,
    last: price('LastPrice'),
    volume: Number(Volume),
    turnover: price('Turnover'),
    openInterest: price('OpenInterest'),
    averagePrice: average === null || exchange === 'CZCE' ? average : average / multiplier,
    open: price('OpenPrice'),
    high: price('HighestPrice'),
    low: price('LowestPrice'),
    close: price('ClosePrice'),
    settlement: price('SettlementPrice'),
    previousClose: price('PreClosePrice'),
    previousSettlement: price('PreSettlementPrice'),
    previousOpenInterest: price('PreOpenInterest'),
    upperLimit: price('UpperLimitPrice'),
    lowerLimit: price('LowerLimitPrice'),
    bids: sideOf(row, 'Bid'),
    asks: sideOf(row, 'Ask'),
    ...(isInSession ? {} : { offSession: true }),
  }
}

function rowsOf(file: string): Row[] {
  return parse(gunzipSync(readFileSync(join(dataDirectory, file))), { columns: true }) as Row[]
}

/** The rows that are ticks: one that repeats its predecessor, time included, says nothing new. */
function ticksOf(rows: Row[], group: InstrumentGroup): Content[] {
  const contents = rows.map(row => contentOf(row, group))
  return contents.filter((content, i) => !isDeepStrictEqual(content, contents[i - 1]))
}

type Course = { file: string; group: InstrumentGroup; ticks: number }

async function play({ nats, feed }: Ground, { file, group, ticks }: Course): Promise<void> {
  const base = withLive(desiredOn(0, [group]), { standby: 'cold' })
  const { publish } = base.launch
  await feed.prepare({
    ...base,
    launch: {
      ...base.launch,
      gateway: { type: 'replay', replay: { files: [file], speed, loop: true, skipBreaks: true } },
      publish: { ...publish, type: 'jetstream', servers: [nats.url], maxBytes: 512 * 1024 * 1024 },
      calendar: { type: 'china-futures' },
      accounts: ['primary'],
    },
  })
  await feed.start({ FEEDPLANE_DATA: dataDirectory })
  const connection = await connect({ servers: nats.url })
  try {
    const manager = await jetstreamManager(connection)
    const stored = async () => (await manager.streams.info('TICKS')).state.messages
    await until(`${ticks} ticks in the stream`, async () => (await stored()) >= ticks, 110_000)
  } finally {
    await connection.close()
  }
  await feed.stop()
}

/** All that the stream holds, without the consumer library. */
async function readRaw({ nats }: Ground): Promise<Stored[]> {
  const connection = await connect({ servers: nats.url })
  const stored: Stored[] = []
  try {
    const consumer = await jetstream(connection).consumers.get('TICKS')
    for await (const message of await consumer.consume({ max_messages: 5000 })) {
      const messageId = message.headers?.get(tickHeaders.messageId) ?? ''
      stored.push({ subject: message.subject, messageId, tick: message.json<Tick>() })
      if (message.info.pending === 0) break
    }
  } finally {
    await connection.close()
  }
  return stored
}

async function readChecked({ nats }: Ground, count: number) {
  const ticks: Tick[] = []
  const consumer = await openConsumer({
    type: 'jetstream',
    servers: [nats.url],
    subjectPrefix: 'market.tick',
    stream: 'TICKS',
    from: 'start',
    onTick: tick => void ticks.push(tick),
  })
  try {
    await until(`${count} ticks to be read`, () => consumer.counts().received >= count, 110_000)
    return { ticks, counts: consumer.counts() }
  } finally {
    await consumer.close()
  }
}

/** Ticks of each round of the recording: each begins with its snapshot. */
function roundsOf(ticks: Tick[]): Tick[][] {
  const starts = ticks.flatMap((tick, i) => (tick.snapshot ? [i] : []))
  return starts.map((start, i) => ticks.slice(start, starts[i + 1]))
}

function contentRead({
  sequence: _sequence,
  receivedAt: _receivedAt,
  publishedAt: _publishedAt,
  snapshot: _snapshot,
  ...content
}: Tick) {
  return content
}

/** The first few places where what was read is not what was recorded. */
function differences(read: Tick[], recorded: Content[]): object[] {
  const places = Array.from({ length: Math.max(read.length, recorded.length) }, (_, i) => ({
    recorded: recorded[i],
    read: read[i],
  }))
  return places.filter(({ recorded, read }) => !read || !isDeepStrictEqual(contentRead(read), recorded)).slice(0, 3)
}

/** How often each transformation occurs in a round, so that a recording in which one does not cannot pass for a proof of it. */
function countsOf(rows: Row[], group: InstrumentGroup, round: Tick[]) {
  const count = (is: (tick: Tick, before: Tick | undefined) => unknown) =>
    round.filter((tick, i) => is(tick, round[i - 1])).length
  const timeOf = ({ exchangeTime }: Tick) => exchangeTime?.slice(11, 19) ?? ''
  const isDay = (tick: Tick) => timeOf(tick) >= '08:00:00' && timeOf(tick) < '18:00:00'
  return {
    rows: rows.length,
    repeatsDropped: rows.length - ticksOf(rows, group).length,
    snapshots: count(tick => tick.snapshot),
    noSettlement: count(tick => tick.settlement === null),
    noAverage: count(tick => tick.averagePrice === null),
    levelsDropped: round.reduce((sum, { bids, asks }) => sum + 10 - bids.length - asks.length, 0),
    offSession: count(tick => tick.offSession),
    auction: count(tick => isDay(tick) && !tick.offSession && timeOf(tick) < (group.windows.day[0]?.[0] ?? '')),
    eveningBefore: count(tick => tick.exchangeTime?.slice(0, 10).replaceAll('-', '') !== tick.tradingDay),
    wholeSeconds: count(tick => tick.exchangeTime?.slice(19, 23) === '.000'),
    turnoverFalls: count((tick, before) => before && (tick.turnover ?? 0) < (before.turnover ?? 0)),
    settledAfterClose: count(tick => isDay(tick) && timeOf(tick) > '15:00:00' && (tick.settlement ?? 0) > 0),
  }
}

/** The second day of apples has nothing that the first one lacks. */
const days = [
  [
    'czce-AP010-20200803',
    apples,
    {
      rows: 12_515,
      repeatsDropped: 1,
      snapshots: 1,
      noSettlement: 12_513,
      noAverage: 0,
      levelsDropped: 100_114,
      offSession: 1,
      auction: 1,
      eveningBefore: 1,
      wholeSeconds: 12_514,
      turnoverFalls: 3,
      settledAfterClose: 0,
    },
  ],
  [
    'czce-AP010-20200804',
    apples,
    {
      rows: 11_871,
      repeatsDropped: 1,
      snapshots: 1,
      noSettlement: 11_869,
      noAverage: 0,
      levelsDropped: 94_962,
      offSession: 1,
      auction: 1,
      eveningBefore: 1,
      wholeSeconds: 11_870,
      turnoverFalls: 0,
      settledAfterClose: 0,
    },
  ],
  [
    'cffex-IF2101-20210104',
    indexFuture,
    {
      rows: 27_955,
      repeatsDropped: 0,
      snapshots: 1,
      noSettlement: 0,
      noAverage: 27_955,
      levelsDropped: 223_640,
      offSession: 3,
      auction: 1,
      eveningBefore: 0,
      wholeSeconds: 0,
      turnoverFalls: 0,
      settledAfterClose: 2,
    },
  ],
] as const

// They spend their time on the replay's clock.
describe.concurrent('a recorded day, replayed through the feed and read back from the stream', { timeout: 240_000 }, () => {
  it.for(isLong ? days : days.filter(([name]) => name !== 'czce-AP010-20200804'))(
    'has every push of %s, with the documented transformations and no others',
    async ([name, group, counts], { expect }) => {
      const file = `ticks/${name}.csv.gz`
      const rows = rowsOf(file)
      const recorded = ticksOf(rows, group)
      const { stored, raw, ticks, checked } = await withGround(async ground => {
        await play(ground, { file, group, ticks: 2 * recorded.length + 1 })
        const stored = await readRaw(ground)
        const raw = stored.filter(({ subject }) => !isGap(subject))
        const { ticks, counts } = await readChecked(ground, raw.length)
        return { stored, raw, ticks, checked: counts }
      })

      expect(checked).toMatchObject({
        accepted: raw.length,
        missing: 0,
        duplicates: 0,
        stale: 0,
        restarts: 0,
        malformed: 0,
      })
      // What is under way when the feed is told to stop may be told as withdrawn, behind all ticks.
      const told = stored.slice(raw.length).map(({ tick }) => (tick as unknown as Gap).reason)
      expect(told).toEqual(told.map(() => 'Withdrawn'))
      expect(
        isDeepStrictEqual(
          raw.map(({ tick }) => tick),
          ticks,
        ),
      ).toBe(true)
      expect(new Set(raw.map(({ subject }) => subject))).toEqual(
        new Set([`market.tick.${group.exchange}.${group.instruments[0]}`]),
      )
      expect(new Set(raw.map(({ messageId }) => messageId)).size).toBe(raw.length)
      expect(ticks.findIndex(({ sequence }, i) => sequence !== i + 1)).toBe(-1)
      expect(ticks.filter(({ receivedAt, publishedAt }) => !(receivedAt <= publishedAt)).slice(0, 3)).toEqual([])
      expect(ticks.findIndex(({ receivedAt }, i) => receivedAt < (ticks[i - 1]?.receivedAt ?? 0))).toBe(-1)

      const [joined = [], whole = []] = roundsOf(ticks)
      expect(differences(joined, recorded.slice(-joined.length))).toEqual([])
      expect(differences(whole, recorded)).toEqual([])
      expect(countsOf(rows, group, whole)).toEqual(counts)
    },
  )
})
