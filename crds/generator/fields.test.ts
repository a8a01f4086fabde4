import { expect, it } from 'vitest'
import * as z from 'zod'
import { fieldsOf } from './fields.ts'
import { jsonSchemaOf } from './schema.ts'

const schema = z.strictObject({
  mode: z.enum(['warm', 'cold']).default('warm').meta({ description: 'Mode.' }),
  binds: z.array(z.strictObject({ source: z.string().min(1) })).max(16),
  limits: z.strictObject({ speed: z.number().min(0.1).max(1000).default(1) }).prefault({}),
  env: z.record(z.string().regex(/^[A-Z]+$/, 'use capitals'), z.string().max(9)).optional(),
  fronts: z.array(z.string().max(64).regex(/^tcp:/, 'begin with tcp:')).min(1).optional(),
  count: z.int().min(1).optional(),
})
const fields = new Map(fieldsOf(jsonSchemaOf(schema)).map(field => [field.path, field]))

it('lists every field, parents before their members', () => {
  expect([...fields.keys()]).toEqual(['mode', 'binds', 'binds[].source', 'limits', 'limits.speed', 'env', 'fronts', 'count'])
})

it('tells type, default and whether a field must be written', () => {
  expect(fields.get('mode')).toEqual({
    ...{ path: 'mode', type: 'string', required: false, default: 'warm', description: 'Mode.' },
    constraints: ['one of `warm`, `cold`'],
  })
  expect(fields.get('binds')).toMatchObject({ type: 'list of objects', required: true, constraints: ['at most 16 entries'] })
  expect(fields.get('binds[].source')).toMatchObject({ required: true, constraints: ['not empty'] })
  expect(fields.get('limits.speed')).toMatchObject({ default: 1, constraints: ['0.1 to 1000'] })
})

it('shows no default where it only stands for the defaults of the members', () => {
  expect(fields.get('limits')).not.toHaveProperty('default')
})

it('says a pattern in the words of its message, for keys and entries too', () => {
  expect(fields.get('env')).toMatchObject({
    type: 'map of strings',
    constraints: ['names: use capitals', 'values: at most 9 characters'],
  })
  expect(fields.get('fronts')?.constraints).toEqual(['not empty', 'each: at most 64 characters, begin with tcp:'])
})

it('does not show the largest safe integer as a bound', () => {
  expect(fields.get('count')?.constraints).toEqual(['at least 1'])
})
