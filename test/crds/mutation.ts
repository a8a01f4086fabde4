import type { Document } from './document.ts'

/** A document with one thing changed, and what. */
export type Mutation = { name: string; document: Document }

// Where two validators part: emptiness, line ends, characters outside ASCII, lengths, paths, addresses.
const strings = [
  ...['', ' ', 'a', 'A', 'a-', '-a', 'a_b', 'a.b', 'a\n', '\na', 'a\u00a0b', 'é', '\u{1f600}', 'x'.repeat(40), 'x'.repeat(600)],
  ...[
    '/',
    '/a/',
    '//a',
    '/a/../b',
    '/..',
    '/...',
    '/a:b',
    '..',
    '../a',
    'a/..',
    'a/./b',
    'a..b',
    '.',
    './a',
    'a\u2028b',
    '..\u{1f600}',
  ],
  ...['tcp://h:1', 'tcp://h:123456', 'tcp://h é:1', 'tcp://127.0.0.1:1', 'tcp://localhost:1', 'unix:///', 'unix:///a\nb'],
  ...['nats://u:p@h:4222', 'nats://h', 'tls://[::1]:4222', '0s', '1s', '1000000s', '10 s', '١s', '1Mi', '0Mi', 'A_'],
  ...['primary', 'backup', 'replay', 'none', 'process', 'docker', 'a:b', 'a:b@sha256:0', `a@sha256:${'0'.repeat(64)}`],
  ...['SHFE.rb2501', 'DCE.SP p2009&p2010', 'NYSE.X', '1'],
]
const numbers = [0, -1, 1, 0.001, 0.5, 1.5, 2, 100, 1e4, 1e9, 2 ** 53 - 1, 2 ** 53, 1e21]
const others: unknown[] = [true, false, [], [[]], [null], {}, { a: 'b' }, { A: 'b' }, [{}], ['a'], ['a', 'a']]

/** Every field of name, labels and spec removed and given each of many values, and every object given a field that nobody knows. */
export function mutationsOf(document: Document): Mutation[] {
  return placesOf(document).flatMap(path => {
    const value = at(document, path)
    return [
      changed(document, path, 'removed', remove),
      ...valuesFor(value).map(other => changed(document, path, JSON.stringify(other), set(other))),
      ...(isObject(value) ? [changed(document, [...path, 'nobodyKnows'], '1', set(1))] : []),
    ]
  })
}

/** Every field of the spec set to null. */
export function nullsOf(document: Document): Mutation[] {
  return placesIn(document.spec, ['spec']).map(path => changed(document, path, 'null', set(null)))
}

const valuesFor = (value: unknown): unknown[] =>
  typeof value === 'string' ? [...strings, 0, 1.5, ...others] : ['', 'a', '1', ...numbers, ...others]

type Container = Record<string | number, unknown>
type Path = (string | number)[]

const placesOf = ({ metadata, spec }: Document): Path[] => [
  ['metadata', 'name'],
  ...placesIn(metadata?.labels, ['metadata', 'labels']),
  ...placesIn(spec, ['spec']),
]

function placesIn(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys = Array.isArray(value) ? value.slice(0, 1).map((_, index) => index) : Object.keys(value)
  return [path, ...keys.flatMap(key => placesIn((value as Container)[key], [...path, key]))]
}

type Change = (parent: Container, key: string | number) => void

function changed(document: Document, path: Path, what: string, change: Change): Mutation {
  const copy = structuredClone(document)
  change(at(copy, path.slice(0, -1)) as Container, path.at(-1) ?? '')
  return { name: `${document.kind} ${path.join('.')} = ${what}`, document: copy }
}

const at = (value: unknown, path: Path): unknown => path.reduce<unknown>((parent, key) => (parent as Container)[key], value)

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const set =
  (value: unknown): Change =>
  (parent, key) => {
    parent[key] = value
  }

function remove(parent: Container, key: string | number): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1)
  else delete parent[key]
}
