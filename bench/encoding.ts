import type { Tick } from '../crds/contract/tick.ts'
import { Fifo } from '../feed/publish/fifo.ts'
import { type Lane, Lanes } from '../feed/publish/lane.ts'
import type { NumberedPush, TickLine } from '../feed/publish/numbered.ts'
import { sampleLine, samplePush } from '../feed/publish/sampletick.ts'
import { tickOf } from '../feed/publish/tick.ts'
import { TickWriter } from '../feed/publish/tickwriter.ts'
import { CompactRecord } from './compactrecord.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { interleaved, median, timed } from './sample.ts'

const rounds = 9
const count = 50_000
/** A market: what their ticks repeat does not fit into a processor's cache. */
const instruments = 20_000
/** Every so many ticks have another high. */
const highEvery = 7

/** What a binary encoding would save: a fixed record of every field of a tick beside the JSON that goes over the wire. */
export const encoding: Measurement = {
  name: 'encoding',
  about: 'JSON of a tick beside a fixed binary record of the same fields',
  needs: [],
  limitMs: 60_000,
  async measure(signal) {
    const record = new CompactRecord()
    const source = { feed: 'default/demo', account: 'primary' } as const
    const pushes = pushesOf(market())
    const ticks = pushes.map(push => ({ ...tickOf(source, push), publishedAt: push.receivedAt }))
    const writer = new TickWriter(source)
    const textOf = (index: number) => {
      const push = pushes[index] as NumberedPush
      return writer.payload(push, (push.line.lane as Lane).texts, push.receivedAt)
    }
    const texts = pushes.map((_push, index) => textOf(index))
    const records = ticks.map(tick => record.encode(tick).slice())
    const decoder = new TextDecoder()
    const each = (work: (index: number) => unknown) => () => rateOf(work)
    const rates = await interleaved(
      rounds,
      {
        json: each(index => textOf(index)),
        record: each(index => record.encode(ticks[index] as Tick)),
        jsonRead: each(index => JSON.parse(decoder.decode(texts[index])) as Tick),
        recordRead: each(index => record.decode(records[index] as Uint8Array)),
      },
      signal,
    )
    return figuresOf(rates, { json: texts[0]?.length ?? 0, record: records[0]?.length ?? 0 })
  },
}

function market(): TickLine[] {
  const lanes = new Lanes()
  return Array.from({ length: instruments }, (_none, number) => {
    const line = sampleLine(`rb${number}`)
    return { ...line, lane: lanes.add('a', { values: new Fifo(), isBusy: false, isLined: false }) }
  })
}

/** Of lines across the whole market, with averages of many decimals, as a front divides them. */
function pushesOf(lines: TickLine[]): NumberedPush[] {
  const step = 7919
  return Array.from({ length: count }, (_none, sequence) => {
    const push = samplePush(lines[(sequence * step) % lines.length] as TickLine, { sequence })
    const high = push.depth.HighestPrice + (sequence % highEvery === 0 ? sequence % 100 : 0)
    return { ...push, depth: { ...push.depth, HighestPrice: high, Volume: sequence, AveragePrice: 35_000 + sequence / 7 } }
  })
}

async function rateOf(work: (index: number) => unknown): Promise<number> {
  const tookMs = await timed(async () => {
    for (let index = 0; index < count; index++) work(index)
  })
  return (count / tookMs) * 1000
}

type Rates = Record<'json' | 'record' | 'jsonRead' | 'recordRead', number[]>

function figuresOf(rates: Rates, bytes: { json: number; record: number }): Figure[] {
  const row = (name: string, ours: keyof Rates, other: keyof Rates): Figure => ({
    ...{ name, unit: 'per s', value: median(rates[ours]), n: rates[ours].length },
    beside: [{ kind: 'floor', name: 'a fixed binary record', value: median(rates[other]) }],
  })
  return [
    row('encoding: ticks written as JSON', 'json', 'record'),
    row('encoding: ticks read from JSON', 'jsonRead', 'recordRead'),
    {
      ...{ name: 'encoding: size of a tick as JSON', unit: 'bytes', value: bytes.json, n: 1 },
      beside: [{ kind: 'floor', name: 'a fixed binary record', value: bytes.record }],
    },
  ]
}
