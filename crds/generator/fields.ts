import type { JsonSchema } from './schema.ts'

/** One field of a kind, as a line of its reference page. */
export type Field = {
  /** Path below the spec or the status: `container.binds[].source`, `container.env.*`. */
  path: string
  type: string
  required: boolean
  default?: unknown
  constraints: string[]
  description: string
}

/** Every field below a schema, parents before their members. */
export function fieldsOf(schema: JsonSchema, path = ''): Field[] {
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const memberPath = path === '' ? name : `${path}.${name}`
    return [fieldOf(memberPath, member, required.has(name)), ...membersOf(memberPath, member)]
  })
}

function membersOf(path: string, schema: JsonSchema): Field[] {
  if (schema.items) return fieldsOf(schema.items, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') return fieldsOf(schema.additionalProperties, `${path}.*`)
  return fieldsOf(schema, path)
}

function fieldOf(path: string, schema: JsonSchema, required: boolean): Field {
  const field: Field = {
    path,
    type: typeOf(schema),
    required,
    constraints: constraintsOf(schema),
    description: schema.description ?? '',
  }
  // An empty object as default only means that the defaults of its members hold.
  return isEmptyObject(schema.default) ? field : { ...field, default: schema.default }
}

function typeOf(schema: JsonSchema): string {
  if (schema.items) return `list of ${typeOf(schema.items)}s`
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}s`
  return schema.type ?? 'any'
}

function constraintsOf(schema: JsonSchema): string[] {
  const own = [
    schema.enum && `one of ${schema.enum.map(value => `\`${value}\``).join(', ')}`,
    range(schema.minItems, schema.maxItems, 'entries'),
    range(undefined, schema.maxProperties, 'entries'),
    range(schema.minLength, schema.maxLength, 'characters'),
    range(schema.minimum, schema.maximum),
    schema.patternErrorMessage ?? (schema.pattern && `matches \`${schema.pattern}\``),
    ...within('names', schema.propertyNames),
    ...within('values', typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined),
    ...within('each', schema.items),
  ]
  return own.filter(text => text !== undefined).filter(text => text !== '')
}

function within(what: string, schema: JsonSchema | undefined): string[] {
  const constraints = schema ? constraintsOf(schema) : []
  return constraints.length === 0 ? [] : [`${what}: ${constraints.join(', ')}`]
}

function range(least: number | undefined, declaredMost: number | undefined, unit = ''): string | undefined {
  const most = declaredMost === Number.MAX_SAFE_INTEGER ? undefined : declaredMost
  const suffix = unit === '' ? '' : ` ${unit}`
  if (least === 1 && most === undefined && unit !== '') return 'not empty'
  if (least !== undefined && most !== undefined) return `${least} to ${most}${suffix}`
  if (least !== undefined) return `at least ${least}${suffix}`
  return most === undefined ? undefined : `at most ${most}${suffix}`
}

const isEmptyObject = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0)
