import { isDeepStrictEqual } from 'node:util'
import { type Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml'
import { refused, trouble } from './exit.ts'
import { type Change, type Splice, spliceFor } from './splice.ts'

export type Identity = { kind: string; namespace: string; name: string }

/** A changed text and the lines that changed, 1-based; `before` is empty where lines were added. */
export type Edited = { text: string; line: number; before: string[]; after: string[] }

/**
 * Changes one member of one declared resource in the text of a manifest and nothing else: comments, order, anchors, quoting
 * and line ends stay, because only the bytes of the value are replaced. A value that an alias or a merge lends is written out
 * at this resource; the anchor and whoever else uses it stay as they are. The result is read back and compared with what was
 * wanted before it is returned. Throws a refusal (exit 4) where that cannot be done, with the reason, and trouble (exit 2) where
 * the text does not parse.
 */
export function editDeclaration(text: string, file: string, identity: Identity, change: Change, nearLine?: number): Edited {
  const before = readDocuments(text, file)
  const found = findDeclaration(before, identity, file, nearLine)
  const splice = spliceFor(text, found.document, found.map, change)
  const changed = text.slice(0, splice.start) + splice.text + text.slice(splice.end)
  const expected = expectedAfter(before, found, change)
  if (!isDeepStrictEqual(plain(readDocuments(changed, file)), expected)) throw shared(file, text, found, change)
  return { text: changed, ...touchedLines(text, splice) }
}

/** The resource as the text declares it, aliases and merges resolved; undefined where the text does not declare it. */
export function readDeclaration(text: string, file: string, identity: Identity): Record<string, unknown> | undefined {
  const found = candidates(readDocuments(text, file)).find(one => isIdentity(one.value, identity))
  return found?.value
}

/** Every object that the text declares, `List`s unpacked. Throws trouble with file, line and column where it does not parse. */
export function readObjects(text: string, file: string): Record<string, unknown>[] {
  return candidates(readDocuments(text, file)).map(one => one.value)
}

type Found = {
  document: Document.Parsed
  map: YAMLMap
  value: Record<string, unknown>
  at: [document: number, item: number | undefined]
}

function readDocuments(text: string, file: string): Document.Parsed[] {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { merge: true, lineCounter })
  if (!Array.isArray(documents)) return []
  const error = documents.flatMap(document => document.errors)[0]
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    throw trouble(
      `${file}:${line}:${col}: this is no YAML: ${error.message.split('\n')[0]}`,
      'mend the file first; nothing was changed',
      error,
    )
  }
  return documents
}

function findDeclaration(documents: Document.Parsed[], identity: Identity, file: string, nearLine: number | undefined): Found {
  const found = candidates(documents).filter(one => isIdentity(one.value, identity))
  const [only] = found
  if (only === undefined) {
    throw refused(
      `${file} no longer declares ${identity.kind} ${identity.namespace}/${identity.name}`,
      'the file changed since the controller read it: try again in a moment',
    )
  }
  if (found.length > 1) {
    const where = nearLine === undefined ? '' : ` (the controller took the one at line ${nearLine})`
    throw refused(
      `${file} declares ${identity.kind} ${identity.namespace}/${identity.name} ${found.length} times${where}`,
      'remove all but one',
    )
  }
  return only
}

function candidates(documents: Document.Parsed[]): Found[] {
  return documents.flatMap((document, index) => {
    const top: Node | null = document.contents
    if (!isMap(top)) return []
    const items = top.get('items', true)
    if (top.get('kind') !== 'List' || !isSeq(items)) return [found(document, top, [index, undefined])]
    return items.items.flatMap((item, i) => (isMap(item) ? [found(document, item, [index, i])] : []))
  })
}

function found(document: Document.Parsed, map: YAMLMap, at: Found['at']): Found {
  return { document, map, value: map.toJS(document) as Record<string, unknown>, at }
}

function isIdentity(value: Record<string, unknown>, identity: Identity): boolean {
  const metadata = (value.metadata ?? {}) as Record<string, unknown>
  return (
    value.kind === identity.kind && metadata.name === identity.name && (metadata.namespace ?? 'default') === identity.namespace
  )
}

function plain(documents: Document.Parsed[]): unknown[] {
  return documents.map(document => JSON.parse(JSON.stringify(document.toJS() ?? null)) as unknown)
}

// Through JSON on purpose: an alias is one object in two places, and here each place must be its own.
function expectedAfter(documents: Document.Parsed[], { at: [document, item] }: Found, { path, value }: Change): unknown[] {
  const all = plain(documents) as Record<string, unknown>[]
  const top = all[document] ?? {}
  let target = (item === undefined ? top : (top.items as unknown[])[item]) as Record<string, unknown>
  for (const key of path.slice(0, -1)) {
    target[key] ??= {}
    target = target[key] as Record<string, unknown>
  }
  const last = path.at(-1) ?? ''
  if (value === undefined) delete target[last]
  else target[last] = value
  return all
}

function shared(file: string, text: string, { map }: Found, { path }: Change): Error {
  return refused(
    `${file}:${lineOf(text, map.range?.[0] ?? 0)}: changing ${path.join('.')} would change other values too; nothing was changed`,
    'the value is shared through an anchor that is set here: write it out at the others first',
  )
}

function touchedLines(text: string, { start, end, text: inserted }: Splice): Omit<Edited, 'text'> {
  const addsLines = start === end && /^\r?\n/.test(inserted)
  const from = text.lastIndexOf('\n', start - 1) + 1
  const to = lineEnd(text, Math.max(start, text[end - 1] === '\n' ? end - 1 : end))
  const changed = text.slice(from, start) + inserted + text.slice(end, to)
  if (addsLines) return { line: lineOf(text, start) + 1, before: [], after: lines(inserted).slice(1) }
  return { line: lineOf(text, start), before: lines(text.slice(from, to)), after: changed === '' ? [] : lines(changed) }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function lines(text: string): string[] {
  return text.split('\n').map(line => line.replace(/\r$/, ''))
}
