import { describe, expect, it } from 'vitest'
import { maxFileBytes, maxObjects, parseFile } from './document.ts'
import { maxNodes } from './node.ts'
import type { MemberPath } from './problem.ts'
import { maxDocuments } from './syntax.ts'

const head = 'apiVersion: feedplane.dev/v1alpha1\n'

function host(name: string, spec = '{engine: {type: docker}}'): string {
  return `${head}kind: Host\nmetadata: {name: ${name}}\nspec: ${spec}\n`
}

function feedWithVariables(count: number): string {
  const env = Array.from({ length: count }, (_, index) => `V${index}: x`).join(', ')
  const members = `  hostRef: h\n  profileRef: p\n  image: feed:1\n  credentials: {primary: a}\n  subscriptions: [s]\n`
  return `${head}kind: Feed\nmetadata: {name: one}\nspec:\n${members}  container: {env: {${env}}}\n`
}

const parse = (text: string) => parseFile('/declared/a.yaml', text)
const reasons = (text: string) => parse(text).problems.map(problem => problem.reason)
const names = (text: string) => parse(text).objects.map(({ resource }) => resource.metadata.name)

describe('a file', () => {
  it('declares every document and every item of a List, with defaults filled in', () => {
    const list = `${head}kind: List\nitems:\n- ${host('two').trimEnd().replaceAll('\n', '\n  ')}\n- ${host('three').trimEnd().replaceAll('\n', '\n  ')}\n`
    const { objects, problems } = parse(`---\n${host('one')}---\n# nothing here\n---\n${list}`)
    expect(problems).toEqual([])
    expect(objects.map(({ resource, origin }) => [resource.metadata.name, origin.document, origin.item, origin.line])).toEqual([
      ['one', 1, undefined, 2],
      ['two', 3, 0, 12],
      ['three', 3, 1, 16],
    ])
    expect(objects[0]?.resource).toMatchObject({
      metadata: { namespace: 'default' },
      spec: { network: 'feedplane', bindRoots: [] },
    })
  })

  it('may use anchors, aliases and merge keys, its own members first', () => {
    const text = `${head}kind: List\nitems:\n- &base\n  ${host('one').trimEnd().replaceAll('\n', '\n  ')}\n- {<<: *base, metadata: {name: two}}\n`
    const { objects, problems } = parse(text)
    expect(problems).toEqual([])
    expect(objects.map(({ resource }) => resource.metadata.name)).toEqual(['one', 'two'])
    expect(objects[1]?.resource.spec).toEqual(objects[0]?.resource.spec)
  })

  it('may begin with a byte order mark and end its lines as Windows does', () => {
    expect(names(`\uFEFF${host('one').replaceAll('\n', '\r\n')}`)).toEqual(['one'])
  })

  it('tells which objects it meant to declare, also the wrong ones', () => {
    const { mentions, identified } = parse(`${host('one')}---\n${host('two', '{engine: {type: none}}')}`)
    expect([mentions, identified]).toEqual([['Host/default/one', 'Host/default/two'], true])
    expect(parse(`${head}kind: Host\n`).identified).toBe(false)
    expect(parse('kind: [').identified).toBe(false)
  })
})

describe('a place', () => {
  const text = [
    'apiVersion: feedplane.dev/v1alpha1',
    'kind: FeedProfile',
    'metadata: {name: one}',
    'spec:',
    '  gateway: &gateway',
    '    type: ctp',
    '    fronts:',
    '      primary:',
    '        - &front tcp://127.0.0.1:1',
    '        - tcp://127.0.0.1:2',
    '      backup: [*front]',
    '',
  ].join('\n')
  const cases: [MemberPath, string][] = [
    [['metadata', 'name'], '3:18'],
    [['spec', 'gateway', 'type'], '6:11'],
    [['spec', 'gateway', 'fronts', 'primary', 1], '10:11'],
    [['spec', 'gateway', 'fronts', 'backup', 0], '11:16'],
    [['spec', 'gateway', 'fronts'], '7:5'],
    [['spec', 'gateway', 'replay', 'files', 0], '5:3'],
    [['spec', 'publish', 'credentialsRef'], '4:1'],
    [['spec', 'gateway', 'fronts', 'primary', 7], '8:7'],
    [[], '1:1'],
  ]

  it.each(cases)('of %j is %s', (path, place) => {
    const [declared] = parse(text).objects
    const { line, column } = declared?.locate(path) ?? { line: 0, column: 0 }
    expect(`${line}:${column}`).toBe(place)
  })
})

describe('a bound', () => {
  it.each([
    ['documents', `${'---\na: 1\n'.repeat(maxDocuments + 1)}`, 'TooManyDocuments'],
    ['objects', Array.from({ length: maxObjects }, (_, index) => host(`h${index}`)).join('---\n'), undefined],
    ['objects of a List', listOf(maxObjects + 1), 'TooManyObjects'],
    ['depth', `a: ${'['.repeat(100)}${']'.repeat(100)}`, 'TooManyValues'],
    ['aliases of aliases', billionLaughs(), 'TooManyValues'],
    ['nesting that no parser stands', `a: ${'['.repeat(50_000)}`, 'SyntaxError'],
  ])('holds for %s', (_, text, reason) => {
    expect(reasons(text)).toEqual(reason === undefined ? [] : expect.arrayContaining([reason]))
    expect(maxNodes).toBeLessThan(10 ** 6)
    expect(Buffer.byteLength(text)).toBeLessThan(maxFileBytes)
  })

  it('leaves room for a set of 20,000 instruments', () => {
    const instruments = Array.from({ length: 20_000 }, (_, index) => `    - SHFE.rb${index}\n`).join('')
    const set = `${head}kind: SubscriptionSet\nmetadata: {name: all}\nspec:\n  catalogue: a.json\n  instruments:\n${instruments}`
    expect([names(set), reasons(set)]).toEqual([['all'], []])
  })

  function listOf(count: number): string {
    const item = (_: unknown, index: number) => `- ${host(`h${index}`).trimEnd().replaceAll('\n', '\n  ')}\n`
    return `${head}kind: List\nitems:\n${Array.from({ length: count }, item).join('')}`
  }

  function billionLaughs(): string {
    const level = (name: string, inner: string) => `${name}: &${name} [${Array.from({ length: 10 }, () => inner).join(', ')}]\n`
    return ['1', '*a', '*b', '*c', '*d', '*e'].map((inner, index) => level('abcdef'.charAt(index), inner)).join('')
  }
})

describe('a problem', () => {
  it('names object, document, member and place', () => {
    expect(parse(`${host('one')}---\n${host('two', '{engine: {type: dockre}}')}`).problems).toEqual([
      {
        file: '/declared/a.yaml',
        line: 9,
        column: 23,
        path: 'spec.engine.type',
        document: 2,
        kind: 'Host',
        name: 'two',
        severity: 'error',
        category: 'schema',
        reason: 'UnknownValue',
        message: 'type cannot be "dockre"',
        hint: 'did you mean "docker"? write one of docker, process',
      },
    ])
  })

  it.each([
    ['a merge of a list of texts', host('one', '{<<: [a], engine: {type: docker}}'), 'BadMerge 4:13 spec["<<"][0]'],
    ['a merge of a text', host('one', '{engine: {<<: docker}}'), 'BadMerge 4:21 spec.engine["<<"]'],
    ['a list', `${host('one')}---\n- ${head}`, 'NotAnObject 6:1 '],
    ['a text', 'feeds\n', 'NotAnObject 1:1 '],
    ['an item of a List that is a text', `${head}kind: List\nitems:\n  - a\n`, 'NotAnObject 4:5 items[0]'],
    ['too many variables', feedWithVariables(65), 'Invalid 10:20 spec.container.env'],
  ])('tells of %s', (_, text, expected) => {
    expect(parse(text).problems.map(({ reason, line, column, path }) => `${reason} ${line}:${column} ${path}`)).toEqual([
      expected,
    ])
  })

  it('points at the alias where that is what is written', () => {
    const text = `${head}kind: Host\nmetadata: {name: &name One}\nspec: {engine: {type: docker}, project: *name}\n`
    expect(parse(text).problems.map(({ path, line, column }) => `${path} ${line}:${column}`)).toEqual([
      'metadata.name 3:24',
      'spec.project 4:41',
    ])
  })

  it.each([
    ['{engine: {type: docker}, bindRoots: /srv}', 'bindRoots must be a list, not "/srv"'],
    ['{engine: docker}', 'engine must be a map of fields, not "docker"'],
    ['{engine: {type: docker}, network: 5}', 'network must be a text, not 5'],
    ['{engine: {type: docker}, netwrok: a}', 'there is no field netwrok here'],
    ['{}', 'engine is missing'],
    ['', 'spec has no value'],
    ['[]', 'spec must be a map of fields, not a list'],
  ])('says of spec %s that %s', (spec, message) => {
    expect(parse(host('one', spec)).problems.map(problem => problem.message)).toEqual([message])
  })
})
