import { stringify } from 'yaml'
import { apiVersion, metadataSchema } from '../contract/resource.ts'
import type { Column, Kind } from '../kind.ts'
import { type JsonSchema, jsonSchemaOf } from './schema.ts'

const [group = '', version = ''] = apiVersion.split('/')

/** A CustomResourceDefinition (apiextensions.k8s.io/v1) as YAML. Throws where a schema says what a structural schema cannot. */
export function crdOf(kind: Kind): string {
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: namesOf(kind), versions: [versionOf(kind)] },
  }
  return stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false })
}

const namesOf = ({ kind, plural, shortNames }: Kind) => ({
  kind,
  listKind: `${kind}List`,
  plural,
  singular: kind.toLowerCase(),
  shortNames,
  categories: ['feedplane'],
})

const versionOf = (kind: Kind) => ({
  name: version,
  served: true,
  storage: true,
  subresources: { status: {} },
  additionalPrinterColumns: printerColumns(kind.columns),
  schema: { openAPIV3Schema: documentSchema(kind) },
})

/** The kind's columns in their order, with the age before the conditions: a message stands last, as it may be long. */
export function printerColumns(columns: Column[]) {
  const firstCondition = columns.findIndex(column => column.path.startsWith('.status.conditions'))
  const age: Column = { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' }
  const all = columns.toSpliced(firstCondition < 0 ? columns.length : firstCondition, 0, age)
  return all.map(({ name, path, type = 'string', wide }) => ({ name, type, jsonPath: path, ...(wide ? { priority: 1 } : {}) }))
}

function documentSchema(kind: Kind): Structural {
  const name = jsonSchemaOf(metadataSchema).properties?.name ?? {}
  return {
    description: kind.description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object', properties: { name: withoutDescription(structural(name)) } },
      spec: {
        description: 'What is wanted.',
        ...structural(jsonSchemaOf(kind.spec)),
        ...validations(kind.rules.map(toValidation)),
      },
      status: { description: 'What is.', ...structural(jsonSchemaOf(kind.status)) },
    },
  }
}

type Validation = { rule: string; message: string; fieldPath?: string }
type Structural = Omit<JsonSchema, 'properties' | 'additionalProperties' | 'items'> & {
  properties?: Record<string, Structural>
  additionalProperties?: Structural
  items?: Structural
  'x-kubernetes-validations'?: Validation[]
}

const toValidation = ({ path, cel, message }: { path: string; cel: string; message: string }): Validation => ({
  rule: cel,
  message,
  ...(path === '' ? {} : { fieldPath: `.${path}` }),
})

const validations = (list: Validation[]): Pick<Structural, 'x-kubernetes-validations'> =>
  list.length === 0 ? {} : { 'x-kubernetes-validations': list }

const withoutDescription = ({ description: _, ...rest }: Structural): Structural => rest

// What a structural schema has under the same name. All else is translated below, or refused.
const kept = [
  ...['description', 'type', 'default', 'enum', 'required', 'minItems', 'maxItems', 'maxProperties', 'minLength', 'maxLength'],
  ...['pattern', 'minimum', 'maximum', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys'],
] as const
const translated = ['properties', 'additionalProperties', 'items', 'propertyNames', 'patternErrorMessage']
const known = new Set<string>([...kept, ...translated])

/**
 * A structural schema. `additionalProperties: false` is left out, for the API server allows it nowhere beside `properties`: it
 * prunes unknown fields, and refuses them under strict field validation. Patterns of keys become CEL. Throws on everything
 * that the API server does not know, and on patterns that RE2 cannot compile.
 */
export function structural(schema: JsonSchema, path = ''): Structural {
  const unknown = Object.keys(schema).find(key => !known.has(key))
  if (unknown !== undefined) throw new Error(`${path || '.'}: "${unknown}" has no place in a structural schema`)
  if (typeof schema.type !== 'string')
    throw new Error(`${path || '.'}: a field without one type has no place in a structural schema`)
  refuseLookaround(schema.pattern ?? schema.propertyNames?.pattern, path)
  const { properties, additionalProperties, items, propertyNames } = schema
  return {
    ...Object.fromEntries(kept.filter(key => Object.hasOwn(schema, key)).map(key => [key, schema[key]])),
    ...(properties && { properties: mapValues(properties, (member, name) => structural(member, `${path}.${name}`)) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: structural(additionalProperties, `${path}.*`) }),
    ...(items && { items: structural(items, `${path}[]`) }),
    ...validations([...keyValidations(propertyNames), ...boundValidations(schema)]),
  }
}

function keyValidations(names: JsonSchema | undefined): Validation[] {
  if (names?.pattern === undefined) return []
  return [
    {
      rule: `self.all(name, name.matches(r'${names.pattern}'))`,
      message: names.patternErrorMessage ?? `names must match ${names.pattern}`,
    },
  ]
}

// The API server compares a whole number with a bound that it has cut to a whole number: 0 passes `minimum: 0.05`.
function boundValidations({ minimum, maximum }: JsonSchema): Validation[] {
  return [
    ...(isFraction(minimum) ? [{ rule: `self >= ${minimum}`, message: `must be at least ${minimum}` }] : []),
    ...(isFraction(maximum) ? [{ rule: `self <= ${maximum}`, message: `must be at most ${maximum}` }] : []),
  ]
}

const isFraction = (bound: number | undefined): bound is number => bound !== undefined && !Number.isInteger(bound)

// (?=...), (?!...), (?<=...), (?<!...) and back-references are not in RE2.
function refuseLookaround(pattern: string | undefined, path: string): void {
  if (pattern !== undefined && /\(\?(<?[=!])|\\[1-9]/.test(pattern))
    throw new Error(`${path}: RE2, and so the API server, cannot compile ${pattern}`)
}

function mapValues<From, To>(object: Record<string, From>, map: (value: From, key: string) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
}
