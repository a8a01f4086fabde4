import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type Module, parseSync } from '@swc/core'
import { describe, expect, it } from 'vitest'

// Holds docs/reference/conditions.md to the code. A reason is a literal in CamelCase; where it is raised is not always to be seen
// (tables, gap reasons, arguments). So every such literal of what runs is either on the page or among `otherWords`: a new one fails
// here until somebody has decided which it is.

const root = resolve(import.meta.dirname, '..')

/** What is started. The files that it leads to are read, whatever their names; tests and fixtures are not among them. */
const entries = ['controller/main.ts', 'controller/sources/validation.ts', 'feed/main.ts', 'feed/simulator/main.ts']

/** Files whose reasons operators meet; the kinds' schemas have none. */
const isRead = (file: string) => /^(controller|feed|crds\/contract)\//.test(file)

/** Words in CamelCase that are no reasons. */
const otherWords = new Set(
  [
    'True False Unknown Normal Warning',
    'Ready Reconciling Stalled SourceValid CredentialsReady',
    'Feed FeedProfile FailoverDrill Host Credentials SubscriptionSet Stack Source List',
    'PullImage Create Start Stop Rename Remove Connect ReleaseNetwork Push MoveGate Resubscribe RetryLogins',
    'Handover Recreate',
    'Always Never Override Keep Advisory Orphan',
    'ComposeUp Restart Reload Prune RemoveNetworks',
    'Fault Problem NodeError CommandFailed RequestError AbortError JetStreamNotEnabled Bearer',
    'InstrumentID ExchangeID TradingDay ActionDay UpdateTime UpdateMillisec Volume Turnover OpenInterest PreOpenInterest AveragePrice',
    'BidPrice BidVolume AskPrice AskVolume',
    'LastPrice OpenPrice HighestPrice LowestPrice ClosePrice SettlementPrice PreSettlementPrice PreClosePrice UpperLimitPrice LowerLimitPrice',
  ].flatMap(words => words.split(' ')),
)

const camelCase = /^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*$/
const faultClasses = ['transient', 'waiting', 'stalled']

/** First argument of these is a reason; of the constructors the second. */
const raisingCalls = new Set([...faultClasses, 'normal', 'warning', 'pending', 'refuted', 'refuse'])
const raisingConstructors = new Set(['Problem', 'NodeError'])

type Node = { type: string; [member: string]: unknown }
type Found = {
  /** Where each literal in CamelCase stands. */
  words: Map<string, string>
  /** Literals where only a reason can stand, and templates there: `*NotFound`. */
  raised: Map<string, string>
  /** Classes that a reason is raised with, as a Fault or as the violation of a declaration. */
  classes: Map<string, Set<string>>
  conditions: Set<string>
  /** First literal arguments of `missing(...)` in the feed's checks, and the steps' actions: what the templates are made with. */
  missing: Set<string>
  actions: Set<string>
}

const found = readCode()
const page = readPage()
const raised = [...found.raised.keys()].flatMap(spelledOut)

describe('the page of conditions and reasons', () => {
  it('has an entry for every reason', () => {
    const lacking = [...new Set([...raised, ...found.words.keys()])].filter(
      word => !page.reasons.has(word) && !otherWords.has(word),
    )
    expect(lacking.map(word => `${word} (${found.words.get(word) ?? 'made by a template'})`)).toEqual([])
  })

  it('names no reason that no code raises', () => {
    const known = new Set([...raised, ...found.words.keys()])
    expect([...page.reasons.keys()].filter(reason => !known.has(reason))).toEqual([])
  })

  it('has one entry a reason', () => {
    expect(page.repeated).toEqual([])
  })

  it('gives a reason the classes that it is raised with', () => {
    const wanted = [...found.classes].map(([reason, classes]) => `${reason}: ${[...classes].sort().join(', ')}`)
    const given = [...found.classes.keys()].map(reason => `${reason}: ${page.reasons.get(reason)?.sort().join(', ')}`)
    expect(given).toEqual(wanted)
  })

  it('describes every type of condition', () => {
    expect([...found.conditions].filter(type => !page.conditions.has(type))).toEqual([])
  })

  it('has no reason that no test names', () => {
    const tests = globSync(['{bench,compose,controller,crds,feed}/**/*.test.ts', 'test/**/*.ts'], { cwd: root })
    const texts = tests.filter(file => file !== 'controller/reasons.test.ts').map(file => readFileSync(join(root, file), 'utf8'))
    const tested = new Set(texts.flatMap(text => text.match(/\b[A-Z]\w*[a-z]\w*\b/g) ?? []))
    expect([...page.reasons.keys()].filter(reason => !tested.has(reason))).toEqual([])
  })

  it('links to sections that are there', () => {
    expect(page.links.filter(link => !page.anchors.has(link))).toEqual([])
  })
})

describe('words in CamelCase that are no reasons', () => {
  it('are never raised as one', () => {
    expect(raised.filter(reason => otherWords.has(reason))).toEqual([])
  })

  it('are all in use', () => {
    expect([...otherWords].filter(word => !found.words.has(word))).toEqual([])
  })
})

describe('reasons that are put together', () => {
  it('are those that this test can spell out', () => {
    expect(raised.filter(reason => reason.includes('*'))).toEqual([])
  })
})

function spelledOut(reason: string): string[] {
  if (reason === '*NotFound') return [...found.missing].map(kind => `${kind}NotFound`)
  return reason === '*Failed' ? [...found.actions].map(action => `${action}Failed`) : [reason]
}

function readCode(): Found {
  const result: Found = {
    ...{ words: new Map(), raised: new Map(), classes: new Map(), conditions: new Set() },
    ...{ missing: new Set(), actions: new Set() },
  }
  const seen = new Set<string>()
  const read = (file: string): void => {
    if (seen.has(file) || !isRead(file)) return
    seen.add(file)
    const module: Module = parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript' })
    for (const node of nodesOf(module)) {
      note(node, file, result)
      const path = importedBy(node, file)
      if (path !== undefined) read(path)
    }
  }
  entries.forEach(read)
  return result
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && typeof value.type === 'string') yield value as Node
  for (const member of Object.values(value)) yield* nodesOf(member)
}

/** A file that is named: imported, loaded later, or run as a process of its own. */
function importedBy(node: Node, file: string): string | undefined {
  const text = textOf(node)
  if (text === undefined || !/^\.\.?\/.*\.ts$/.test(text)) return undefined
  const path = join(root, dirname(file), text)
  return existsSync(path) ? relative(root, path) : undefined
}

function note(node: Node, file: string, result: Found): void {
  const text = textOf(node)
  if (text !== undefined && camelCase.test(text)) result.words.set(text, file)
  for (const reason of reasonsAt(node)) result.raised.set(reason, file)
  for (const [reason, faultClass] of classesAt(node)) {
    result.classes.set(reason, (result.classes.get(reason) ?? new Set()).add(faultClass))
  }
  const { type, status, reason, action } = membersOf(node)
  if (status !== undefined && reason !== undefined) for (const name of literals(type)) result.conditions.add(name)
  if (file.startsWith('controller/kinds/feed/'))
    for (const name of literals(action)) if (camelCase.test(name)) result.actions.add(name)
  if (file === 'controller/kinds/feed/checks.ts' && calleeOf(node) === 'missing')
    for (const kind of literals(argumentOf(node, 0))) result.missing.add(kind)
}

function reasonsAt(node: Node): string[] {
  const name = calleeOf(node) ?? ''
  const index = node.type === 'NewExpression' ? 1 : 0
  const isRaising = node.type === 'NewExpression' ? raisingConstructors.has(name) : raisingCalls.has(name)
  const places = [membersOf(node).reason, isRaising ? argumentOf(node, index) : undefined]
  return places.flatMap(literals).filter(text => /^[A-Z*][A-Za-z0-9*]*$/.test(text) && /[a-z]/.test(text))
}

function classesAt(node: Node): [string, string][] {
  const { class: faultClass, reason } = membersOf(node)
  const name = calleeOf(node) ?? tableClassOf(node)
  const named = node.type === 'ArrayExpression' ? elementsOf(node) : [argumentOf(node, 0)]
  const pairs = literals(reason).flatMap(text => literals(faultClass).map((found): [string, string] => [text, found]))
  const called = faultClasses.includes(name ?? '')
    ? named.flatMap(literals).map((text): [string, string] => [text, name ?? ''])
    : []
  return [...pairs, ...called].filter(([text]) => camelCase.test(text))
}

/** `[/no space left/, 'DiskFull', transient]`, a row of a table. */
function tableClassOf(node: Node): string | undefined {
  const last = node.type === 'ArrayExpression' ? elementsOf(node).at(-1) : undefined
  return last?.type === 'Identifier' ? String(last.value) : undefined
}

/** Texts that an expression may come to: a literal, both sides of a condition, a template with `*` for what is put in. */
function literals(node: Node | undefined): string[] {
  if (node === undefined) return []
  const text = textOf(node)
  if (text !== undefined) return [text]
  if (node.type === 'TemplateLiteral') return [(node.quasis as Node[]).map(({ cooked }) => String(cooked)).join('*')]
  if (node.type === 'ConditionalExpression') return [node.consequent, node.alternate].flatMap(side => literals(side as Node))
  if (node.type === 'BinaryExpression') return [node.left, node.right].flatMap(side => literals(side as Node))
  return ['ParenthesisExpression', 'TsConstAssertion', 'TsAsExpression'].includes(node.type)
    ? literals(node.expression as Node)
    : []
}

function textOf(node: Node): string | undefined {
  return node.type === 'StringLiteral' ? String(node.value) : undefined
}

function membersOf(node: Node): Record<string, Node | undefined> {
  if (node.type !== 'ObjectExpression') return {}
  const pairs = (node.properties as Node[]).filter(({ type }) => type === 'KeyValueProperty')
  return Object.fromEntries(pairs.map(({ key, value }) => [String((key as Node).value), value as Node]))
}

function calleeOf(node: Node): string | undefined {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return undefined
  const callee = node.callee as Node
  return callee.type === 'Identifier' ? String(callee.value) : undefined
}

function argumentOf(node: Node, index: number): Node | undefined {
  return (node.arguments as { expression: Node }[] | undefined)?.[index]?.expression
}

function elementsOf(node: Node): Node[] {
  return (node.elements as ({ expression: Node } | null)[]).flatMap(element => element?.expression ?? [])
}

/** The page's tables whose first column is headed `reason` or `condition`, with what stands under `class`. */
function readPage() {
  const text = readFileSync(join(root, 'docs/reference/conditions.md'), 'utf8')
  const reasons = new Map<string, string[]>()
  const conditions = new Set<string>()
  const repeated: string[] = []
  let header: string[] = []
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map(cell => cell.trim())
      : []
    const names = [...(cells[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '')
    if (cells.length === 0 || header.length === 0) header = cells
    else if (header[0] === 'condition') for (const name of names) conditions.add(name)
    else if (header[0] === 'reason')
      for (const name of names) {
        if (reasons.has(name)) repeated.push(name)
        reasons.set(name, (cells[header.indexOf('class')] ?? '').split(', '))
      }
  }
  const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor ?? '')
  const anchors = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchorOf(title ?? '')))
  return { reasons, conditions, repeated, links, anchors }
}

/** As GitHub makes them. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}
