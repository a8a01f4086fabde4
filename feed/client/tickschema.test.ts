import { readFileSync } from 'node:fs'
import { expect, expectTypeOf, it } from 'vitest'
import type * as z from 'zod'
import type { Tick } from '../../crds/contract/tick.ts'
import { encodeTick } from '../publish/encoding.ts'
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
  expect(tickSchema.parse(JSON.parse(encodeTick(tick)))).toEqual(tick)
})

it.each([
  ['a sequence of 0', { sequence: 0 }],
  ['a price in words', { last: '3500' }],
  ['a field that nobody knows', { colour: 'red' }],
  ['six levels', { bids: Array.from({ length: 6 }, () => [1, 1]) }],
])('refuses %s', (_name, part) => {
  expect(tickSchema.safeParse({ ...sampleTick(), ...part }).success).toBe(false)
})
