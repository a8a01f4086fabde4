import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import * as z from 'zod'
import type { Kind } from '../kind.ts'
import { kinds } from '../kinds.ts'
import { anyKindSchema, editorSchemaOf, schemaFile } from './editor.ts'
import { exampleFile } from './output.ts'

const all = Object.values(kinds) as unknown as Kind[]

describe.each(all)('the editor schema of $kind', kind => {
  const schema = z.fromJSONSchema(JSON.parse(editorSchemaOf(kind)))
  const example = readFileSync(exampleFile(kind), 'utf8')
  const documents = parseAllDocuments(example).map(document => document.toJS())

  it('accepts every document of the example', () => {
    expect(documents.map(document => schema.safeParse(document).error)).toEqual(documents.map(() => undefined))
  })

  it('refuses a field that nobody knows, at any depth', () => {
    const [document] = documents
    expect(schema.safeParse({ ...document, extra: 1 }).success).toBe(false)
    expect(schema.safeParse({ ...document, spec: { ...document.spec, extra: 1 } }).success).toBe(false)
    expect(schema.safeParse({ ...document, metadata: { ...document.metadata, extra: 1 } }).success).toBe(false)
  })

  it('refuses another kind and another version', () => {
    const [document] = documents
    expect(schema.safeParse({ ...document, kind: 'Other' }).success).toBe(false)
    expect(schema.safeParse({ ...document, apiVersion: 'feedplane.dev/v2' }).success).toBe(false)
  })

  it('is what the example names on its first line', () => {
    const [, path] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(example) ?? []
    expect(path).toBe(`../../crds/generated/schemas/${schemaFile(kind)}`)
  })
})

it('the schema of any document picks by kind, and a list holds any', () => {
  const { allOf, properties } = JSON.parse(anyKindSchema(all))
  const picked = new Map(allOf.map((part: Picked) => [part.if.properties.kind.const, part.then]))
  expect([...picked.keys()]).toEqual(properties.kind.enum)
  expect(picked.get('Feed')).toEqual({ $ref: 'feed.json#' })
  expect(picked.get('List')).toMatchObject({ properties: { items: { items: { $ref: '#' } } } })
})

type Picked = { if: { properties: { kind: { const: string } } }; then: unknown }
