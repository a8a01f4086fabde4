import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import type { Kind } from '../kind.ts'
import { crdOf, printerColumns, structural } from './crd.ts'
import { jsonSchemaOf } from './schema.ts'

const structuralOf = (schema: z.ZodType) => structural(jsonSchemaOf(schema))

describe('a structural schema', () => {
  it('leaves out additionalProperties: false at every depth', () => {
    const schema = z.strictObject({ a: z.array(z.strictObject({ b: z.string() })) })
    expect(JSON.stringify(structuralOf(schema))).not.toContain('additionalProperties')
  })

  it('keeps the values of a map and turns the pattern of its keys into CEL', () => {
    const schema = z.record(z.string().regex(/^[A-Z]+$/, 'use capitals'), z.string().max(3))
    expect(structuralOf(schema)).toEqual({
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 3 },
      'x-kubernetes-validations': [{ rule: "self.all(name, name.matches(r'^[A-Z]+$'))", message: 'use capitals' }],
    })
  })

  it('repeats a fractional bound as CEL, which the API server does not cut', () => {
    expect(structuralOf(z.number().min(0.05).max(64))).toEqual({
      type: 'number',
      minimum: 0.05,
      maximum: 64,
      'x-kubernetes-validations': [{ rule: 'self >= 0.05', message: 'must be at least 0.05' }],
    })
    expect(structuralOf(z.number().max(0.5))).toMatchObject({ 'x-kubernetes-validations': [{ rule: 'self <= 0.5' }] })
  })

  it.each([
    ['a union', z.union([z.string(), z.number()])],
    ['anything', z.unknown()],
    ['a choice of objects', z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })])],
    ['a tuple', z.tuple([z.string(), z.string()])],
    ['a literal', z.literal('a')],
    ['an open bound', z.number().positive()],
    ['two patterns', z.string().regex(/a/).regex(/b/)],
    ['a shared definition', z.array(z.string().meta({ id: 'Shared' }))],
  ])('cannot say %s', (_what, schema) => {
    expect(() => structuralOf(z.strictObject({ field: schema }))).toThrow(/has no place in a structural schema/)
  })

  it.each([['(?!a)b'], ['(?<=a)b'], ['(a)\\1']])('names the field whose pattern RE2 cannot compile: %s', pattern => {
    const schema = z.strictObject({ outer: z.array(z.string().regex(new RegExp(pattern))) })
    expect(() => structuralOf(schema)).toThrow(/^\.outer\[\]: RE2/)
  })

  it('takes a group that does not capture', () => {
    expect(structuralOf(z.string().regex(/^(?:a|b)$/))).toEqual({ type: 'string', pattern: '^(?:a|b)$' })
  })
})

describe('a definition', () => {
  const kind: Kind = {
    ...{ kind: 'Thing', plural: 'things', shortNames: ['th'], description: 'A thing.', columns: [] },
    spec: z.strictObject({ a: z.string().optional(), b: z.strictObject({ c: z.string().optional() }) }),
    status: z.object({ ready: z.boolean() }),
    rules: [
      { path: '', cel: 'has(self.a)', holds: () => true, message: 'name a' },
      { path: 'b.c', cel: 'has(self.b.c)', holds: () => true, message: 'name c' },
    ],
  }
  const { metadata, spec } = parse(crdOf(kind))
  const [version] = spec.versions

  it('is named for plural and group and has a status subresource', () => {
    expect(metadata.name).toBe('things.feedplane.dev')
    expect(spec.names).toMatchObject({ kind: 'Thing', listKind: 'ThingList', singular: 'thing', shortNames: ['th'] })
    expect(version).toMatchObject({ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } })
  })

  it('carries the rules on the spec, each with the field that it speaks of', () => {
    expect(version.schema.openAPIV3Schema.properties.spec['x-kubernetes-validations']).toEqual([
      { rule: 'has(self.a)', message: 'name a' },
      { rule: 'has(self.b.c)', message: 'name c', fieldPath: '.b.c' },
    ])
  })

  it('holds the name to the length that container names leave', () => {
    expect(version.schema.openAPIV3Schema.properties.metadata.properties.name).toMatchObject({ maxLength: 40 })
  })
})

describe('printer columns', () => {
  it('have the age before the conditions, so that the message stands last', () => {
    const columns = [
      { name: 'Active', path: '.status.active' },
      { name: 'Message', path: ".status.conditions[?(@.type=='Ready')].message", wide: true },
    ]
    expect(printerColumns(columns)).toEqual([
      { name: 'Active', type: 'string', jsonPath: '.status.active' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Message', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].message", priority: 1 },
    ])
  })

  it('end with the age where no condition is shown', () => {
    expect(printerColumns([{ name: 'Engine', path: '.spec.engine.type' }]).at(-1)?.name).toBe('Age')
  })
})
