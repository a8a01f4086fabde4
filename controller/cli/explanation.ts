import * as z from 'zod'
import { type KindName, kinds } from '../../crds/kinds.ts'
import { trouble } from './exit.ts'
import { renderTable } from './table.ts'

type Schema = {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  description?: string
  default?: unknown
  pattern?: string
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  $ref?: string
  $defs?: Record<string, Schema>
}

/** What a member of a kind is: type, default, limits, description, and its own members. Throws trouble for a path that is not there. */
export function explain(kind: KindName, path: string[]): string {
  const root = schemaOf(kind)
  const { schema, required } = path.reduce(
    (at, name, i) => {
      const next = membersOf(at.schema)[name]
      if (next === undefined) throw noMember(kind, path.slice(0, i), name, at.schema)
      return { schema: next, required: (holderOf(at.schema)?.required ?? []).includes(name) }
    },
    { schema: root, required: true },
  )
  const rows = Object.entries(membersOf(schema)).map(([name, member]) => [
    name,
    typeOf(member),
    defaultOf(member, (holderOf(schema)?.required ?? []).includes(name)),
    member.description ?? '',
  ])
  const members = rows.length === 0 ? '' : `\nMembers:\n${renderTable([], rows).replace(/^(?=.)/gm, '  ')}`
  return (
    `${[kind, ...path].join('.')}  ${typeOf(schema)}  ${path.length === 0 ? '' : defaultOf(schema, required)}`.trimEnd() +
    `\n${schema.description ?? kinds[kind].description}\n${limitsOf(schema)}${members}`
  )
}

/** `.spec` may be left out, as long as the member is not called `spec` or `status` itself. */
export function splitPath(text: string): { kind: string; path: string[] } {
  const [kind = '', ...path] = text.split('.').filter(part => part !== '')
  const isRooted = path[0] === undefined || path[0] === 'spec' || path[0] === 'status'
  return { kind, path: isRooted ? path : ['spec', ...path] }
}

function schemaOf(kind: KindName): Schema {
  const { spec, status } = kinds[kind]
  const convert = (schema: z.ZodType) =>
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Schema
  return {
    type: 'object',
    properties: {
      spec: { description: 'What is declared.', ...convert(spec) },
      status: { description: 'What is observed.', ...convert(status) },
    },
    required: ['spec'],
  }
}

// A member may be an object, a list of objects or a map of objects: all three are walked by name.
function holderOf(schema: Schema): Schema | undefined {
  if (schema.properties !== undefined) return schema
  if (schema.items !== undefined) return holderOf(schema.items)
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(variant => holderOf(variant) ?? [])
  if (variants.length > 0)
    return { properties: Object.assign({}, ...variants.map(variant => variant.properties ?? {})) as Record<string, Schema> }
  return typeof schema.additionalProperties === 'object' ? holderOf(schema.additionalProperties) : undefined
}

function membersOf(schema: Schema): Record<string, Schema> {
  return holderOf(schema)?.properties ?? {}
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.join(' | ')
  if (schema.const !== undefined) return String(schema.const)
  const variants = schema.anyOf ?? schema.oneOf
  if (variants !== undefined) return variants.map(typeOf).join(' | ')
  if (schema.items !== undefined) return `[]${typeOf(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}`
  return [schema.type ?? 'any'].flat().join(' | ')
}

function defaultOf(schema: Schema, required: boolean): string {
  if (schema.default !== undefined) return `default ${JSON.stringify(schema.default)}`
  return required ? 'required' : 'optional'
}

function limitsOf({ minimum, maximum, minItems, maxItems, pattern }: Schema): string {
  const limits = [
    minimum !== undefined || maximum !== undefined ? `from ${minimum ?? 'any'} to ${maximum ?? 'any'}` : '',
    minItems !== undefined || maxItems !== undefined ? `${minItems ?? 0} to ${maxItems ?? 'any number of'} entries` : '',
    pattern === undefined ? '' : `matches ${pattern}`,
  ].filter(Boolean)
  return limits.length === 0 ? '' : `Limits: ${limits.join('; ')}\n`
}

function noMember(kind: KindName, path: string[], name: string, schema: Schema): Error {
  const known = Object.keys(membersOf(schema))
  return trouble(
    `${[kind, ...path].join('.')} has no member ${name}`,
    known.length === 0 ? 'it has no members at all' : `members are ${known.join(', ')}`,
  )
}
