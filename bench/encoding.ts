import type { Tick } from '../crds/contract/tick.ts'
import { Fifo } from '../feed/publish/fifo.ts'
import { Lanes } from '../feed/publish/lane.ts'
import type { NumberedPush } from '../feed/publish/numbered.ts'
import { sampleLine, samplePush, sampleTick } from '../feed/publish/sampletick.ts'
import { TickWriter } from '../feed/publish/tickwriter.ts'
import { wallClock } from '../feed/wallclock.ts'
import { CompactRecord } from './compactrecord.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { interleaved, median, timed } from './sample.ts'

const rounds = 9
const count = 50_000

/** What a binary encoding would save: a fixed record of every field of a tick beside the JSON that goes over the wire. */
export const encoding: Measurement = {
  name: 'encoding',
  about: 'JSON of a tick beside a fixed binary record of the same fields',
  needs: [],
  limitMs: 60_000,
  async measure(signal) {
    const record = new CompactRecord()
    const line = sampleLine()
    const pushes = Array.from({ length: count }, (_none, sequence) => samplePush(line, { sequence }))
    const ticks = Array.from({ length: count }, (_none, sequence) => sampleTick({ sequence }))
    const writer = new TickWriter({ feed: 'default/demo', account: 'primary' })
    const lane = new Lanes().add('a', { values: new Fifo(), isBusy: false, isLined: false })
    const textOf = (index: number) => writer.payload(pushes[index] as NumberedPush, lane.texts, wallClock())
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
