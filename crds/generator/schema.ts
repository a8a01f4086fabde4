import * as z from 'zod'

/** JSON Schema (draft-07) as zod writes it for our kinds: the part that all three outputs read. */
export type JsonSchema = {
  $schema?: string
  $ref?: string
  type?: string
  const?: string
  description?: string
  default?: unknown
  enum?: string[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  propertyNames?: JsonSchema
  items?: JsonSchema
  allOf?: JsonSchema[]
  if?: JsonSchema
  then?: JsonSchema
  minItems?: number
  maxItems?: number
  maxProperties?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  /** Read by yaml-language-server in place of "does not match the pattern". */
  patternErrorMessage?: string
  minimum?: number
  maximum?: number
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
}

/** The JSON Schema of what a user writes: defaults are kept and their fields optional. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-07', io: 'input', override }) as JsonSchema
  return rest
}

function override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const message = patternMessage(zodSchema)
  if (message !== undefined) jsonSchema.patternErrorMessage = message
  if (isAnyInteger(jsonSchema)) {
    delete jsonSchema.minimum
    delete jsonSchema.maximum
  }
}

// The sentence beside a regular expression says more than the expression does.
function patternMessage(schema: z.core.$ZodTypes): string | undefined {
  const checks = schema._zod.def.type === 'string' ? (schema._zod.def.checks ?? []) : []
  const pattern = checks.find(check => check instanceof z.core.$ZodCheckRegex)
  const words = pattern?._zod.def.error as z.core.$ZodErrorMap | undefined
  const message = words?.({ code: 'invalid_format', format: 'regex', path: [], input: '' })
  return typeof message === 'string' ? message : message?.message
}

// `z.int()` without bounds: zod then writes the range of safe integers, which tells a reader nothing.
function isAnyInteger(schema: z.core.JSONSchema.BaseSchema): boolean {
  return schema.minimum === Number.MIN_SAFE_INTEGER && schema.maximum === Number.MAX_SAFE_INTEGER
}
