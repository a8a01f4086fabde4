import { type Alias, isAlias, isMap, isScalar, isSeq, type Pair } from 'yaml'
import type { MemberPath } from './problem.ts'

/** Nodes of one file after its aliases are expanded: a set of 20,000 instruments with as many exclusions has 40,000. */
export const maxNodes = 200_000

/** Nesting of one document; a Feed has five levels. */
export const maxDepth = 64

/** Something in the nodes that cannot become a value: it starts at `offset`. */
export class NodeError extends Error {
  readonly offset: number
  readonly reason: string
  readonly hint: string

  constructor(offset: number, reason: string, message: string, hint: string) {
    super(message)
    this.name = 'NodeError'
    this.offset = offset
    this.reason = reason
    this.hint = hint
  }
}

/** The nodes of one document, with what each of its aliases stands for. */
export type Nodes = { root: unknown; targets: ReadonlyMap<Alias, unknown> }

/** Finds the target of every alias in one pass: the library's own look-up walks the document once for each. */
export function nodesOf(root: unknown): Nodes {
  const targets = new Map<Alias, unknown>()
  const anchors = new Map<string, unknown>()
  const visit = (node: unknown): void => {
    if (isAlias(node)) {
      targets.set(node, anchors.get(node.source))
      return
    }
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) anchors.set(node.anchor, node)
    if (isSeq(node)) node.items.forEach(visit)
    if (isMap(node)) for (const pair of node.items) visit(pair.value)
  }
  visit(root)
  return { root, targets }
}

/** Counts the nodes of a file down, so that aliases of aliases cannot fill the memory. */
export type Budget = { nodes: number }

/**
 * Plain value of a node, with aliases and merge keys (`<<`) expanded. Throws a NodeError for an alias without an anchor, one that
 * contains itself, and where `maxNodes` or `maxDepth` are passed.
 */
export function plainValue(node: unknown, nodes: Nodes, budget: Budget, depth = 0): unknown {
  if (--budget.nodes < 0) throw tooMuch(node, `more than ${maxNodes} values after aliases are expanded`)
  if (depth > maxDepth) throw tooMuch(node, `more than ${maxDepth} levels, or an alias that contains itself`)
  if (isAlias(node)) return plainValue(anchored(node, nodes), nodes, budget, depth + 1)
  if (isSeq(node)) return node.items.map(item => plainValue(item, nodes, budget, depth + 1))
  if (isMap(node)) {
    const pairs = pairsOf(node, nodes)
    return Object.fromEntries(pairs.map(pair => [keyText(pair), plainValue(pair.value, nodes, budget, depth + 1)]))
  }
  return isScalar(node) ? node.value : null
}

/** Offset of a member; of its nearest parent where it was not written. A block of members is where its key is. */
export function offsetOf(nodes: Nodes, path: MemberPath, aim: 'key' | 'value' = 'value'): number {
  let offset = startOf(nodes.root) ?? 0
  let node = nodes.root
  for (const [index, step] of path.entries()) {
    const child = childOf(node, step, nodes)
    if (child === undefined) break
    const isLast = index === path.length - 1
    const keyOffset = startOf(child.key)
    const atKey = keyOffset !== undefined && (isBlock(child.value) || (isLast && aim === 'key'))
    offset = (atKey ? keyOffset : startOf(child.value)) ?? keyOffset ?? offset
    node = child.value
  }
  return offset
}

/** Members that lead to the innermost pair or item around an offset, `maxDepth` at most. */
export function pathAt(root: unknown, offset: number, depth = 0): (string | number)[] {
  if (depth > maxDepth) return []
  if (isMap(root)) {
    const pair = root.items.findLast(candidate => (startOf(candidate.key) ?? Number.POSITIVE_INFINITY) <= offset)
    return pair === undefined || !isScalar(pair.key) ? [] : [keyText(pair), ...pathAt(pair.value, offset, depth + 1)]
  }
  if (!isSeq(root)) return []
  const index = root.items.findLastIndex(candidate => (startOf(candidate) ?? Number.POSITIVE_INFINITY) <= offset)
  return index < 0 ? [] : [index, ...pathAt(root.items[index], offset, depth + 1)]
}

type Child = { key: unknown; value: unknown }

function childOf(node: unknown, step: string | number, nodes: Nodes): Child | undefined {
  const target = isAlias(node) ? nodes.targets.get(node) : node
  if (isSeq(target)) return typeof step === 'number' ? { key: undefined, value: target.items[step] } : undefined
  if (!isMap(target)) return undefined
  return pairsOf(target, nodes).findLast(pair => keyText(pair) === String(step))
}

/** The pairs of a map; those of merge keys come first, so that its own win. */
function pairsOf(map: { items: Pair[] }, nodes: Nodes): Pair[] {
  const own = map.items.filter(pair => !isMerge(pair))
  if (own.length === map.items.length) return own
  return [...map.items.filter(isMerge).flatMap(pair => mergedPairs(pair.value, nodes, 0)), ...own]
}

function mergedPairs(value: unknown, nodes: Nodes, depth: number): Pair[] {
  const target = isAlias(value) ? anchored(value, nodes) : value
  if (depth > maxDepth || isAlias(target)) throw tooMuch(value, 'a merge key that contains itself')
  if (isSeq(target)) return target.items.toReversed().flatMap(item => mergedPairs(item, nodes, depth + 1))
  if (!isMap(target))
    throw new NodeError(startOf(value) ?? 0, 'BadMerge', 'a merge key needs a map', 'write <<: *anchor of a map')
  const merged = target.items.filter(isMerge).flatMap(pair => mergedPairs(pair.value, nodes, depth + 1))
  return [...merged, ...target.items.filter(pair => !isMerge(pair))]
}

function anchored(alias: Alias, nodes: Nodes): unknown {
  const target = nodes.targets.get(alias)
  if (target !== undefined) return target
  throw new NodeError(
    startOf(alias) ?? 0,
    'UnknownAnchor',
    `there is no anchor &${alias.source} before this alias in the document`,
    `set &${alias.source} on an earlier value of the same document, or put the text in quotes if it is no alias`,
  )
}

function isMerge(pair: Pair): boolean {
  return isScalar(pair.key) && (pair.key.value === '<<' || typeof pair.key.value === 'symbol')
}

function isBlock(node: unknown): boolean {
  return (isMap(node) || isSeq(node)) && node.flow !== true
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
}

function startOf(node: unknown): number | undefined {
  if (!isAlias(node) && !isMap(node) && !isSeq(node) && !isScalar(node)) return undefined
  if (isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1]) return undefined
  return node.range?.[0]
}

function tooMuch(node: unknown, what: string): NodeError {
  return new NodeError(startOf(node) ?? 0, 'TooManyValues', what, 'write the values out, or split the file')
}
