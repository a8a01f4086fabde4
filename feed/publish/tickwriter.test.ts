import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { exchanges } from '../../crds/contract/catalogue.ts'
import { noValue } from '../gateways/depth.ts'
import { Fifo } from './fifo.ts'
import { Lanes } from './lane.ts'
import type { NumberedPush } from './numbered.ts'
import { samplePush } from './sampletick.ts'
import { messageIdOf, type TickSource, tickOf } from './tick.ts'
import { TickWriter } from './tickwriter.ts'
import { headerOf } from './wire.ts'

const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.constant(-0))
/** As a front says it, with and without a value; some come again and again. */
const price = fc.oneof(number, fc.constantFrom(noValue, Number.NaN, Number.POSITIVE_INFINITY, 3500, 3500.2))
const five = <T>(each: fc.Arbitrary<T>) => fc.array(each, { minLength: 0, maxLength: 5 })
const named = ['LastPrice', 'PreSettlementPrice', 'PreClosePrice', 'PreOpenInterest', 'OpenPrice', 'HighestPrice', 'LowestPrice']
const rare = ['Turnover', 'OpenInterest', 'ClosePrice', 'SettlementPrice', 'UpperLimitPrice', 'LowerLimitPrice', 'AveragePrice']
const depth = fc.record({
  ...Object.fromEntries([...named, ...rare].map(name => [name, price])),
  ...{ Volume: fc.nat(), BidPrice: five(price), BidVolume: five(fc.nat(3)), AskPrice: five(price), AskVolume: five(fc.nat(3)) },
})
const anyPush = fc.record({
  ...{
    depth,
    epoch: fc.integer({ min: 1, max: 3 }),
    sequence: fc.integer({ min: 1 }),
    receivedAt: number,
    snapshot: fc.boolean(),
  },
  ...{
    tradingDay: fc.constantFrom('20261124', '20261125'),
    averageDivisor: fc.constantFrom(1, 10, 300),
    offSession: fc.boolean(),
  },
  time: fc.nat(2 ** 41),
  hash: fc.nat().map(n => n * 2 ** 21),
  exchangeTime: fc.oneof(fc.constant(null), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_060_000 })),
})
// The long one does not fit into a lane's own place.
const instrument = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.constant('x'.repeat(1000)))
const anyLine = fc.record({ instrument, exchange: fc.constantFrom(...exchanges) })

const source: TickSource = { feed: 'default/demo', account: 'primary' }
const newTexts = () => new Lanes().add('a', { values: new Fifo(), isBusy: false, isLined: false }).texts

it('is the JSON of the tick, whatever came before it in the lane', () => {
  const published = z.fromJSONSchema(JSON.parse(readFileSync(new URL('../client/tick.schema.json', import.meta.url), 'utf8')))
  fc.assert(
    fc.property(anyLine, fc.array(anyPush, { minLength: 1, maxLength: 6 }), (line, parts) => {
      const writer = new TickWriter(source)
      const texts = newTexts()
      for (const part of parts) {
        const push = samplePush(line, part as Partial<NumberedPush>)
        const written = Buffer.from(writer.payload(push, texts, 17.25)).toString()
        expect(Buffer.from(writer.header(push, texts))).toEqual(headerOf(messageIdOf(push)))
        expect(written).toBe(JSON.stringify({ ...tickOf(source, push), publishedAt: 17.25 }))
        expect(published.safeParse(JSON.parse(written)).error).toBeUndefined()
      }
    }),
  )
})
