import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parse, Scalar, type YAMLMap } from 'yaml'
import { refused } from './exit.ts'

export type ScalarValue = string | number | boolean

/** A member of a resource and its new value; undefined takes the member away. */
export type Change = { path: string[]; value: ScalarValue | undefined }

/** Replace the characters from `start` to before `end` by `text`. */
export type Splice = { start: number; end: number; text: string }

/** The one splice that makes the change below `map`. Pure; the caller proves the result by reading it back. */
export function spliceFor(text: string, document: Document, map: YAMLMap, { path, value }: Change): Splice {
  const [key = '', ...rest] = path
  const pair = map.items.find(item => isScalar(item.key) && item.key.value === key) as Pair<Scalar, Node | null> | undefined
  if (pair === undefined) return insertion(text, map, key, written(lent(document, map, key), rest, value, path))
  if (rest.length === 0) return value === undefined ? removal(text, map, pair) : replacement(text, pair, value)
  const node = pair.value
  if (isMap(node)) return spliceFor(text, document, node, { path: rest, value })
  if (isAlias(node)) return { ...rangeOf(text, pair), text: overlay(node.source, node.toJS(document), rest, value, path) }
  if (isScalar(node) && node.value === null)
    return { ...rangeOf(text, pair), text: spaced(text, pair, written(undefined, rest, value, path)) }
  throw refused(`${key} is no mapping, so ${path.join('.')} cannot be set`)
}

// `*defaults` becomes `{<<: *defaults, active: backup}`: the rest still follows the anchor.
function overlay(
  anchor: string,
  shared: unknown,
  [key = '', ...rest]: string[],
  value: ScalarValue | undefined,
  path: string[],
): string {
  const inner = typeof shared === 'object' && shared !== null ? (shared as Record<string, unknown>)[key] : undefined
  return `{<<: *${anchor}, ${flow(key)}: ${written(inner, rest, value, path)}}`
}

/** What merges lend to a map under a key, resolved. */
function lent(document: Document, map: YAMLMap, key: string): unknown {
  return (map.toJS(document) as Record<string, unknown>)[key]
}

function written(existing: unknown, rest: string[], value: ScalarValue | undefined, path: string[]): string {
  if (value === undefined)
    throw refused(`${path.join('.')} comes from an anchor that is merged in, so it cannot be removed here alone`)
  return flow(withMember(existing, rest, value))
}

function withMember(existing: unknown, [key, ...rest]: string[], value: ScalarValue): unknown {
  if (key === undefined) return value
  const members = typeof existing === 'object' && existing !== null ? (existing as Record<string, unknown>) : {}
  return { ...members, [key]: withMember(members[key], rest, value) }
}

function replacement(text: string, pair: Pair<Scalar, Node | null>, value: ScalarValue): Splice {
  const node = pair.value
  if (isMap(node) || isSeq(node)) throw refused(`${String(pair.key.value)} is a collection, not a single value`)
  return { ...rangeOf(text, pair), text: spaced(text, pair, styled(node, value)) }
}

function styled(node: Node | null, value: ScalarValue): string {
  if (typeof value !== 'string' || !isScalar(node)) return flow(value)
  if (node.type === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`
  return node.type === Scalar.QUOTE_DOUBLE ? JSON.stringify(value) : flow(value)
}

function rangeOf(text: string, pair: Pair<Scalar, Node | null>): { start: number; end: number } {
  const keyEnd = pair.key.range?.[1] ?? 0
  const start = pair.value?.range?.[0] ?? text.indexOf(':', keyEnd) + 1
  return { start, end: Math.max(start, pair.value?.range?.[1] ?? start) }
}

function spaced(text: string, pair: Pair<Scalar, Node | null>, written: string): string {
  return text[rangeOf(text, pair).start - 1] === ':' ? ` ${written}` : written
}

function insertion(text: string, map: YAMLMap, key: string, value: string): Splice {
  const last = map.items.at(-1)
  const pair = isJson(map) ? `${JSON.stringify(key)}: ${JSON.stringify(parse(value))}` : `${flow(key)}: ${value}`
  if (last === undefined) return at((map.range?.[0] ?? 0) + 1, pair)
  if (map.flow) return at(endOf(last), `, ${pair}`)
  const start = startOf(map.items[0])
  const indent = ' '.repeat(start - (text.lastIndexOf('\n', start - 1) + 1))
  const newline = text.indexOf('\n', endOf(last))
  const lineEnd = newline === -1 ? text.length : newline
  const carriage = text[lineEnd - 1] === '\r' ? 1 : 0
  return at(lineEnd - carriage, `${text.includes('\r\n') ? '\r\n' : '\n'}${indent}${pair}`)
}

/** A flow mapping with quoted keys is JSON, or wants to look like it. */
function isJson(map: YAMLMap): boolean {
  const key = map.items[0]?.key
  return map.flow === true && isScalar(key) && key.type === Scalar.QUOTE_DOUBLE
}

function removal(text: string, map: YAMLMap, pair: Pair<Scalar, Node | null>): Splice {
  const index = map.items.indexOf(pair)
  const [previous, next] = [map.items[index - 1], map.items[index + 1]]
  if (map.flow) {
    if (next !== undefined) return { start: startOf(pair), end: startOf(next), text: '' }
    return { start: previous === undefined ? startOf(pair) : endOf(previous), end: endOf(pair), text: '' }
  }
  const lineStart = text.lastIndexOf('\n', startOf(pair) - 1) + 1
  if (text.slice(lineStart, startOf(pair)).trim() !== '')
    throw refused(`${String(pair.key.value)} shares its line with the start of a list item: remove it by hand`)
  const newline = text.indexOf('\n', endOf(pair))
  return { start: lineStart, end: newline === -1 ? text.length : newline + 1, text: '' }
}

function startOf(pair: Pair | undefined): number {
  return (pair?.key as Node | undefined)?.range?.[0] ?? 0
}

/** End of the last character that belongs to a pair, without the comments and blank lines after it. */
function endOf(pair: Pair): number {
  return (pair.value === null ? undefined : nodeEnd(pair.value as Node)) ?? (pair.key as Node).range?.[1] ?? 0
}

function nodeEnd(node: Node): number | undefined {
  if (isMap(node) && !node.flow && node.items.length > 0) return endOf(node.items.at(-1) as Pair)
  if (isSeq(node) && !node.flow && node.items.length > 0) return nodeEnd(node.items.at(-1) as Node)
  const end = node.range?.[1]
  const isBlock = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED)
  return end !== undefined && isBlock ? end - 1 : end
}

function at(offset: number, text: string): Splice {
  return { start: offset, end: offset, text }
}

/** A value on one line. Plain where every YAML reader takes it for the same string, else in double quotes. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, one]) => `${flow(key)}: ${flow(one)}`)
      .join(', ')}}`
  return typeof value === 'string' ? flowString(value) : JSON.stringify(value)
}

function flowString(value: string): string {
  const isPlain = /^[A-Za-z][A-Za-z0-9._/-]*$/.test(value) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(value)
  return isPlain && parse(value) === value ? value : JSON.stringify(value)
}
