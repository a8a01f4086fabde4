import { apiVersion, metadataSchema } from '../contract/resource.ts'
import type { Kind } from '../kind.ts'
import { type JsonSchema, jsonSchemaOf } from './schema.ts'

const dialect = 'http://json-schema.org/draft-07/schema#'

/** The schema of a whole document of one kind for editors (draft-07). Rules that span fields are not in it. */
export function editorSchemaOf(kind: Kind): string {
  return print({
    $schema: dialect,
    description: kind.description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { type: 'string', const: apiVersion },
      kind: { type: 'string', const: kind.kind },
      metadata: jsonSchemaOf(metadataSchema),
      spec: jsonSchemaOf(kind.spec),
    },
  })
}

/** The schema of any document: it picks by `kind`, so that an editor shows the errors of that kind only. A `List` holds others. */
export function anyKindSchema(kinds: Kind[]): string {
  return print({
    $schema: dialect,
    description: 'A Feedplane resource.',
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: { kind: { type: 'string', enum: [...kinds.map(kind => kind.kind), 'List'] } },
    allOf: [...kinds.map(kind => when(kind.kind, { $ref: `${schemaFile(kind)}#` })), when('List', listSchema)],
  })
}

/** Name of a kind's schema beside the others. */
export const schemaFile = (kind: Kind): string => `${kind.kind.toLowerCase()}.json`

const listSchema: JsonSchema = {
  required: ['items'],
  additionalProperties: false,
  properties: {
    apiVersion: { type: 'string', const: 'v1' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    items: { type: 'array', items: { $ref: '#' } },
  },
}

const when = (kind: string, schema: JsonSchema): JsonSchema => ({
  if: { required: ['kind'], properties: { kind: { const: kind } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: schema,
})

const print = (schema: JsonSchema): string => `${JSON.stringify(schema, undefined, 2)}\n`
