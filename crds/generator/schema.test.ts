import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { jsonSchemaOf } from './schema.ts'

describe('the JSON Schema of a kind', () => {
  it('is what a user writes: fields with a default are optional', () => {
    const schema = z.strictObject({
      a: z.string(),
      b: z.string().default('x'),
      c: z.strictObject({ d: z.int() }).prefault({ d: 1 }),
    })
    expect(jsonSchemaOf(schema)).toMatchObject({ required: ['a'], properties: { b: { default: 'x' }, c: { default: { d: 1 } } } })
  })

  it('holds the sentence that goes with a pattern', () => {
    const schema = z.string().max(9, 'too long').regex(/^a/, 'begin with a')
    expect(jsonSchemaOf(schema)).toEqual({ type: 'string', maxLength: 9, pattern: '^a', patternErrorMessage: 'begin with a' })
  })

  it('has no sentence where the pattern has none', () => {
    expect(jsonSchemaOf(z.string().regex(/^a/))).toEqual({ type: 'string', pattern: '^a' })
  })

  it('tells no bounds of an integer that has none, and both of one that has one', () => {
    expect(jsonSchemaOf(z.int())).toEqual({ type: 'integer' })
    expect(jsonSchemaOf(z.int().min(1))).toEqual({ type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
  })

  it('keeps the pattern of the keys of a map', () => {
    const schema = z.record(z.string().regex(/^[A-Z]+$/, 'use capitals'), z.string())
    expect(jsonSchemaOf(schema).propertyNames).toEqual({
      type: 'string',
      pattern: '^[A-Z]+$',
      patternErrorMessage: 'use capitals',
    })
  })
})
