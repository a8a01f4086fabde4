import { type Budget, maxNodes, NodeError, type Nodes, offsetOf, pathAt, plainValue } from './node.ts'
import { declare, identify, type Rejection } from './object.ts'
import { comparePlaces, type MemberPath, type Problem, pathText } from './problem.ts'
import { type Declared, type Origin, objectKey } from './source.ts'
import { type ParsedYaml, parseYaml, wholeFile } from './syntax.ts'

/** A declared YAML file, in bytes; a set of 20,000 named instruments has 0.5 MB. */
export const maxFileBytes = 4 * 1024 * 1024

/** Objects of one file, the items of its Lists counted. */
export const maxObjects = 1000

/** Problems of one file that are told; the first ones are the ones to mend. */
export const maxProblems = 100

/** What one file declares. Objects that are right are in `objects` even where others of the file are wrong. */
export type ParsedFile = {
  objects: Declared[]
  problems: Problem[]
  /** Keys of all objects that could be told, right or wrong. */
  mentions: string[]
  /** Whether `mentions` are all: false where some of the file could not be read as far as its names. */
  identified: boolean
}

/** Parses a YAML file: several documents, Lists, aliases, merge keys. Never throws. */
export function parseFile(file: string, text: string): ParsedFile {
  const yaml = parseYaml(file, text)
  const found = yaml.problems.length > 0 ? unread(yaml.problems) : readObjects(file, text, yaml)
  if (found.problems.length === 0 && found.objects.length === 0) found.problems.push(emptyFile(file, text))
  return { ...found, problems: found.problems.toSorted(comparePlaces).slice(0, maxProblems) }
}

type Candidate = { origin: Origin; value: unknown; locate: Locator }
type Locator = (path: MemberPath, aim?: 'key' | 'value') => { line: number; column: number }

/** With a syntax error nothing after it can be trusted, not even the names. */
function unread(problems: Problem[]): ParsedFile {
  return { objects: [], problems, mentions: [], identified: false }
}

function readObjects(file: string, text: string, yaml: ParsedYaml): ParsedFile {
  const result: ParsedFile = { objects: [], problems: [], mentions: [], identified: true }
  const budget: Budget = { nodes: maxNodes }
  yaml.documents.forEach((nodes, index) => {
    for (const candidate of candidatesIn(file, nodes, index, yaml, budget, result)) take(candidate, result)
  })
  // Members are located in a fresh parse: the nodes of thousands of good files are not kept for it.
  const later = lazily(() => parseYaml(file, text))
  result.objects = result.objects.map(declared => ({ ...declared, locate: path => locateLater(later(), declared.origin, path) }))
  if (result.objects.length > maxObjects) result.problems.push(tooManyObjects(file, result.objects.length))
  return result
}

function candidatesIn(
  file: string,
  nodes: Nodes,
  index: number,
  yaml: ParsedYaml,
  budget: Budget,
  result: ParsedFile,
): Candidate[] {
  const origin = { file, document: index + 1, ...yaml.positionOf(offsetOf(nodes, [])) }
  try {
    const value = plainValue(nodes.root, nodes, budget)
    if (value === null) return []
    const locate: Locator = (path, aim) => yaml.positionOf(offsetOf(nodes, path, aim))
    return isList(value) ? itemsOf(value.items, origin, locate) : [{ origin, value, locate }]
  } catch (error) {
    if (!(error instanceof NodeError)) throw error
    result.identified = false
    const { reason, message, hint } = error
    const place = yaml.positionOf(error.offset)
    result.problems.push({
      file,
      ...place,
      path: pathText(pathAt(nodes.root, error.offset)),
      document: index + 1,
      severity: 'error',
      category: 'syntax',
      reason,
      message,
      hint,
    })
    return []
  }
}

/** `kubectl get -o yaml` writes `kind: List`, whose items are objects of their own. */
function isList(value: unknown): value is { items: unknown[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'List' &&
    'items' in value &&
    Array.isArray(value.items)
  )
}

function itemsOf(items: unknown[], list: Origin, locate: Locator): Candidate[] {
  return items.map((value, item) => ({
    origin: { ...list, ...locate(['items', item]), item },
    value,
    locate: (path, aim) => locate(['items', item, ...path], aim),
  }))
}

function take({ origin, value, locate }: Candidate, result: ParsedFile): void {
  const identity = identify(value)
  if (identity.key === undefined) result.identified = false
  else result.mentions.push(identity.key)
  const { resource, rejections } = declare(value)
  result.problems.push(...rejections.map(rejection => placed(rejection, origin, locate, identity.known)))
  if (resource === undefined) return
  const twin = result.objects.find(other => objectKey(other.resource) === objectKey(resource))
  if (twin === undefined) result.objects.push({ resource, origin, locate })
  else result.problems.push(placed(twice(objectKey(resource), twin.origin), origin, locate, identity.known))
}

function placed(rejection: Rejection, origin: Origin, locate: Locator, known: object): Problem {
  const { path, aim, ...words } = rejection
  const prefix = origin.item === undefined ? [] : ['items', origin.item]
  return {
    file: origin.file,
    ...locate(path, aim),
    path: pathText([...prefix, ...path]),
    document: origin.document,
    ...known,
    severity: 'error',
    ...words,
  }
}

function twice(key: string, first: Origin): Rejection {
  return {
    path: ['metadata', 'name'],
    aim: 'value',
    category: 'duplicate',
    reason: 'DuplicateName',
    message: `${key} is declared twice: first on line ${first.line} of this file`,
    hint: 'rename or remove one of them',
  }
}

function locateLater(yaml: ParsedYaml, origin: Origin, path: MemberPath) {
  const nodes = yaml.documents[origin.document - 1]
  if (nodes === undefined) return { line: origin.line, column: origin.column }
  const prefix = origin.item === undefined ? [] : ['items', origin.item]
  return yaml.positionOf(offsetOf(nodes, [...prefix, ...path]))
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function emptyFile(file: string, text: string): Problem {
  const message =
    text.trim() === '' ? 'the file is empty' : 'the file declares nothing: it holds only comments or empty documents'
  const hint = 'remove the file to remove what it declared, or declare a resource'
  return { ...wholeFile(file), category: 'syntax', reason: 'EmptyFile', message, hint }
}

function tooManyObjects(file: string, count: number): Problem {
  const message = `the file declares ${count} objects, and ${maxObjects} are read at most`
  return { ...wholeFile(file), category: 'syntax', reason: 'TooManyObjects', message, hint: 'split the file' }
}
