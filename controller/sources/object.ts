import * as z from 'zod'
import { apiVersion, metadataSchema } from '../../crds/contract/resource.ts'
import { isKindName, type KindName, kinds, type Resource } from '../../crds/kinds.ts'
import { didYouMean } from '../consistency/nearest.ts'
import { looksSecret, opensHost } from './forbidden.ts'
import { type Complaint, complaintsOf } from './issue.ts'
import { descriptionAt, membersAt } from './schema.ts'

/** Why an object is refused: a complaint, or a check that no schema makes. */
export type Rejection = Omit<Complaint, 'category'> & { category: 'schema' | 'forbidden' | 'duplicate' }

/** The object with defaults filled in, or what is wrong with it. */
export function declare(value: unknown): { resource?: Resource; rejections: Rejection[] } {
  if (!isMap(value)) return { rejections: [notAnObject()] }
  const header = headerRejections(value)
  if (!isKindNameOf(value.kind)) return { rejections: header }
  const schema = envelope(value.kind)
  const rejections = [...header, ...complaintsOf(schema, value, [])]
  if (rejections.length > 0) return { rejections }
  const { metadata, spec } = schema.parse(value)
  const resource = { kind: value.kind, metadata, spec } as Resource
  const broken = [...brokenRules(resource), ...secretsInEnv(resource), ...dangerousBinds(resource)]
  return broken.length === 0 ? { resource, rejections: [] } : { rejections: broken }
}

/** Who an object says that it is, as far as that can be read. */
export function identify(value: unknown): { key?: string; known: { kind?: string; namespace?: string; name?: string } } {
  if (!isMap(value)) return { known: {} }
  const metadata = isMap(value.metadata) ? value.metadata : {}
  const known = { ...textMember(value, 'kind'), ...textMember(metadata, 'name'), ...textMember(metadata, 'namespace') }
  if (known.kind === undefined || known.name === undefined) return { known }
  return { key: `${known.kind}/${known.namespace ?? 'default'}/${known.name}`, known }
}

function envelope(kind: KindName) {
  const spec: z.ZodType = kinds[kind].spec
  return z.strictObject({ apiVersion: z.unknown().optional(), kind: z.string(), metadata: metadataSchema, spec })
}

function headerRejections(value: Record<string, unknown>): Rejection[] {
  return [...apiVersionRejections(value.apiVersion), ...kindRejections(value.kind)]
}

function apiVersionRejections(written: unknown): Rejection[] {
  if (written === apiVersion) return []
  const hint = `write apiVersion: ${apiVersion}`
  const base = { path: ['apiVersion'], aim: 'value', category: 'schema', hint } as const
  if (written === undefined) return [{ ...base, path: [...base.path], reason: 'MissingField', message: 'apiVersion is missing' }]
  const message = `the apiVersion ${JSON.stringify(written)} is not known`
  return [{ ...base, path: [...base.path], reason: 'UnknownApiVersion', message }]
}

function kindRejections(written: unknown): Rejection[] {
  if (isKindNameOf(written)) return []
  const known = Object.keys(kinds)
  const list = `known kinds are ${known.join(', ')}`
  const base = { path: ['kind'], aim: 'value', category: 'schema' } as const
  if (written === undefined)
    return [{ ...base, path: [...base.path], reason: 'MissingField', message: 'kind is missing', hint: list }]
  const hint = didYouMean(String(written), known, list)
  return [{ ...base, path: [...base.path], reason: 'UnknownKind', message: `there is no kind ${JSON.stringify(written)}`, hint }]
}

function brokenRules(resource: Resource): Rejection[] {
  const rules: { path: string; holds(spec: never): boolean; message: string }[] = kinds[resource.kind].rules
  const broken = rules.filter(rule => !rule.holds(resource.spec as never))
  return broken.map(rule => {
    const path = ['spec', ...rule.path.split('.').filter(step => step !== '')]
    return { path, aim: 'value', category: 'schema', reason: 'RuleBroken', ...wordsOfRule(rule.message, resource.kind, path) }
  })
}

/** Rules mostly say after a colon what to do; where they do not, the fields of the place are what a reader needs. */
function wordsOfRule(text: string, kind: KindName, path: string[]): { message: string; hint: string } {
  const [, message, hint] = /^(.*?): ((?:set|remove|name|use|write|add|change) .*)$/.exec(text) ?? []
  if (message !== undefined && hint !== undefined) return { message, hint }
  const inSpec = path.slice(1)
  const description = descriptionAt(kinds[kind].spec, inSpec)
  const fields = membersAt(kinds[kind].spec, inSpec).join(', ')
  return { message: text, hint: description === '' ? `fields here are ${fields}` : `mend ${path.join('.')}: ${description}` }
}

/** Environment variables can be read by everyone who may inspect a container. */
function secretsInEnv(resource: Resource): Rejection[] {
  if (resource.kind !== 'Feed') return []
  const names = Object.keys(resource.spec.container.env).filter(looksSecret)
  return names.map(name => ({
    path: ['spec', 'container', 'env', name],
    aim: 'key',
    category: 'forbidden',
    reason: 'SecretInEnvironment',
    message: `${name} looks like a secret, and the environment of a container is no place for one`,
    hint: 'declare the account in a Credentials resource: its values reach the feed as files that only it can read',
  }))
}

/** Who can write to the engine's socket is root on the host. */
function dangerousBinds(resource: Resource): Rejection[] {
  if (resource.kind !== 'Feed') return []
  return resource.spec.container.binds.flatMap(({ source }, index) => (opensHost(source) ? [dangerousBind(source, index)] : []))
}

function dangerousBind(source: string, index: number): Rejection {
  return {
    path: ['spec', 'container', 'binds', index, 'source'],
    aim: 'value',
    category: 'forbidden',
    reason: 'ForbiddenBind',
    message: `${source} cannot be bound: it opens the host to the feed`,
    hint: 'bind a folder of data, such as recordings, below one of bindRoots of the Host',
  }
}

function notAnObject(): Rejection {
  return {
    path: [],
    aim: 'value',
    category: 'schema',
    reason: 'NotAnObject',
    message: 'a document must be a map with apiVersion, kind, metadata and spec',
    hint: `begin it with apiVersion: ${apiVersion}`,
  }
}

function isKindNameOf(written: unknown): written is KindName {
  return typeof written === 'string' && isKindName(written)
}

function textMember<K extends string>(value: Record<string, unknown>, key: K): { [P in K]?: string } {
  const member = value[key]
  return typeof member === 'string' ? ({ [key]: member } as { [P in K]?: string }) : {}
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
