import type * as z from 'zod'
import { didYouMean } from '../consistency/nearest.ts'
import { forbiddenSetting } from './forbidden.ts'
import { type MemberPath, pathText, withoutSecrets } from './problem.ts'
import { descriptionAt, membersAt, refusalAt } from './schema.ts'

type Issue = z.core.$ZodIssue

/** A schema issue in plain words, before it has a place. */
export type Complaint = {
  path: (string | number)[]
  /** Whether the key is wrong rather than its value. */
  aim: 'key' | 'value'
  category: 'schema' | 'forbidden'
  reason: string
  message: string
  hint: string
}

/** Every issue that a schema raises on a value, in words: what is wrong, and what to do. */
export function complaintsOf(schema: z.ZodType, value: unknown, at: MemberPath): Complaint[] {
  const result = schema.safeParse(value)
  if (result.success) return []
  return result.error.issues.flatMap(issue => complaintsOfIssue(issue, schema, value, at))
}

function complaintsOfIssue(issue: Issue, schema: z.ZodType, value: unknown, at: MemberPath): Complaint[] {
  const inner = issue.path.filter(step => typeof step !== 'symbol')
  const path = [...at, ...inner]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => unknownField(key, path, membersAt(schema, inner)))
  }
  const written = memberOf(value, inner)
  const name = nameOf(path)
  const description = descriptionAt(schema, inner)
  if (isMissing(issue, written)) return [missing(name, path, written, description)]
  const aim = issue.code === 'invalid_key' ? 'key' : 'value'
  const words = wordsOf(issue, name, written, description)
  const refusal = isUnquoted(issue, written) ? refusalAt(schema, inner, String(written)) : undefined
  return [{ path, aim, category: 'schema', ...words, hint: refusal ?? words.hint }]
}

/** A text that YAML reads as something else. Quotes alone do not help where the text is refused too: a duration without its unit. */
function isUnquoted(issue: { code: string; expected?: string }, written: unknown): boolean {
  const isPlain = typeof written === 'number' || typeof written === 'boolean'
  return issue.code === 'invalid_type' && issue.expected === 'string' && isPlain
}

/** The member in a message: `exchanges[1]`, `spec`. */
function nameOf(path: MemberPath): string {
  const field = path.findLastIndex(step => typeof step === 'string')
  return field < 0 ? 'it' : pathText(path.slice(field))
}

function unknownField(key: string, at: (string | number)[], known: string[]): Complaint {
  const path = [...at, key]
  const forbidden = at[0] === 'spec' ? forbiddenSetting(key) : undefined
  if (forbidden !== undefined && !known.some(field => field.toLowerCase() === key.toLowerCase())) {
    const message = `${key} cannot be set: ${forbidden.why}`
    return { path, aim: 'key', category: 'forbidden', reason: 'ForbiddenSetting', message, hint: forbidden.hint }
  }
  const hint = writtenBySystem(path) ?? didYouMean(key, known, `known here are ${known.join(', ')}`)
  return { path, aim: 'key', category: 'schema', reason: 'UnknownField', message: `there is no field ${key} here`, hint }
}

/** What `get -o yaml` shows and a declaration does not have. */
function writtenBySystem(path: MemberPath): string | undefined {
  const written = ['status', 'generation', 'uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'selfLink']
  const key = String(path.at(-1))
  return path.length <= 2 && written.includes(key) ? `remove ${key}: the controller writes it, a declaration does not` : undefined
}

function isMissing(issue: Issue, written: unknown): boolean {
  return (written === undefined || written === null) && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
}

function missing(name: string, path: (string | number)[], written: unknown, description: string): Complaint {
  const message = written === null ? `${name} has no value` : `${name} is missing`
  const hint = `${written === null ? 'give it a value' : `add ${name}`}${description === '' ? '' : `: ${description}`}`
  return { path, aim: 'key', category: 'schema', reason: 'MissingField', message, hint }
}

type Words = { reason: string; message: string; hint: string }

function wordsOf(issue: Issue, name: string, written: unknown, description: string): Words {
  switch (issue.code) {
    case 'invalid_type':
      return {
        reason: 'WrongType',
        message: `${name} must be ${kindOf(issue.expected)}, not ${shown(written)}`,
        hint: typeHint(issue, written),
      }
    case 'invalid_value':
      return oneOf(issue.values.map(String), name, written)
    case 'too_small':
      return outOfRange(name, 'at least', issue.minimum, issue.origin, written, description)
    case 'too_big':
      return outOfRange(name, 'at most', issue.maximum, issue.origin, written, description)
    case 'invalid_format':
      return { reason: 'WrongFormat', message: `${name} cannot be ${shown(written)}`, hint: formatHint(issue, description) }
    case 'invalid_key':
      return {
        reason: 'WrongKey',
        message: `${name} is no name that can be used here`,
        hint: issue.issues[0]?.message ?? description,
      }
    default:
      return {
        reason: 'Invalid',
        message: `${name}: ${issue.message}`,
        hint: description || 'see the reference page of the kind',
      }
  }
}

function typeHint(issue: { code: string; expected: string }, written: unknown): string {
  if (isUnquoted(issue, written)) return `put it in quotes: "${written}"`
  if (issue.expected === 'array') return 'write a list: each entry on a line of its own after "- "'
  if (issue.expected === 'object' || issue.expected === 'record')
    return 'write its fields on lines of their own, indented by two more spaces'
  if (issue.expected === 'boolean') return 'write true or false, without quotes'
  return issue.expected === 'int' ? 'write a whole number, without quotes' : `write ${kindOf(issue.expected)}`
}

function oneOf(allowed: string[], name: string, written: unknown): Words {
  const list = allowed.length === 1 ? `write ${allowed[0]}` : `write one of ${allowed.join(', ')}`
  const near = didYouMean(String(written), allowed, '')
  return { reason: 'UnknownValue', message: `${name} cannot be ${shown(written)}`, hint: near === '' ? list : `${near} ${list}` }
}

function outOfRange(
  name: string,
  relation: string,
  bound: number | bigint,
  origin: string,
  written: unknown,
  description: string,
): Words {
  const unit = { string: 'characters', array: 'entries', map: 'entries', record: 'entries' }[origin]
  const range =
    unit === undefined ? `${relation} ${bound}` : `${relation} ${bound} ${unit}`.replace(/^(.* 1) entries$/, '$1 entry')
  const message = unit === undefined ? `${name} must be ${range}, not ${shown(written)}` : `${name} must have ${range}`
  return { reason: 'OutOfRange', message, hint: `write ${range}${description === '' ? '' : `: ${description}`}` }
}

function formatHint(issue: { message: string; pattern?: string }, description: string): string {
  if (!issue.message.startsWith('Invalid')) return issue.message
  return description === '' ? `it must match ${issue.pattern}` : description
}

const kindNames: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of names to values',
}

function kindOf(expected: string): string {
  return kindNames[expected] ?? expected
}

/** A value in a message: short, and never a long text that may hold a secret. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  const text = withoutSecrets(JSON.stringify(value) ?? 'nothing')
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function memberOf(value: unknown, path: MemberPath): unknown {
  let current = value
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined
    current = (current as Record<string | number, unknown>)[step]
  }
  return current
}
