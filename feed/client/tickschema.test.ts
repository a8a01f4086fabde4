import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { exchanges } from '../../crds/contract/catalogue.ts'
import type { Tick } from '../../crds/contract/tick.ts'
import { sampleTick } from '../publish/sampletick.ts'
import { tickJsonSchema, tickSchema } from './tickschema.ts'

it('has the fields of a tick, no more and no fewer', () => {
  expectTypeOf<z.infer<typeof tickSchema>>().toEqualTypeOf<Tick>()
})

it('is what the published schema says', () => {
  const path = new URL('tick.schema.json', import.meta.url)
  const advice = 'write tickJsonSchema() to tick.schema.json, then biome check --write'
  expect(JSON.parse(readFileSync(path, 'utf8')), advice).toEqual(tickJsonSchema())
})

it.each([
  ['a plain tick', {}],
  ['a snapshot before the first trade day', { snapshot: true, exchangeTime: null, last: null, bids: [], asks: [] }],
  ['a settlement tick', { offSession: true, settlement: 3501 }],
] as const)('accepts the encoding of %s', (_name, part) => {
  const tick = sampleTick(part as Partial<Tick>)
  expect(tickSchema.parse(JSON.parse(JSON.stringify(tick)))).toEqual(tick)
})

it.each([
  ['a sequence of 0', { sequence: 0 }],
  ['a price in words', { last: '3500' }],
  ['a field that nobody knows', { colour: 'red' }],
  ['six levels', { bids: Array.from({ length: 6 }, () => [1, 1]) }],
])('refuses %s', (_name, part) => {
  expect(tickSchema.safeParse({ ...sampleTick(), ...part }).success).toBe(false)
})

// JSON has neither an infinity, which the gate turns into null, nor -0, which reads back as 0.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0)
const price = fc.oneof(number, fc.constant(null))
const book = fc.array(fc.tuple(number, fc.nat()), { maxLength: 5 })
const sides = { bids: book, asks: book }
const flag = fc.constant<true>(true)
const stamps = { receivedAt: number, volume: fc.nat(), epoch: fc.integer({ min: 1 }), sequence: fc.integer({ min: 1 }) }
const texts = { instrument: fc.string({ unit: 'grapheme', minLength: 1 }), exchange: fc.constantFrom(...exchanges) }
const prices = { last: price, turnover: price, openInterest: price, averagePrice: price, open: price, high: price, low: price }
const rare = { close: price, settlement: price, previousClose: price, upperLimit: price, lowerLimit: price }
const fields = { ...texts, ...stamps, ...prices, ...rare, ...sides }
const anyTick = fc.record({ ...fields, snapshot: flag, offSession: flag }, { requiredKeys: ['instrument'] })

it('reads every tick back as it was, and the published schema accepts it', () => {
  const published = z.fromJSONSchema(JSON.parse(readFileSync(new URL('tick.schema.json', import.meta.url), 'utf8')))
  fc.assert(
    fc.property(anyTick, part => {
      const tick = sampleTick(part)
      const read: unknown = JSON.parse(JSON.stringify(tick))
      expect(read).toEqual(tick)
      expect(published.safeParse(read).error).toBeUndefined()
    }),
  )
})
