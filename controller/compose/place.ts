import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'

export type ComposeFileText = { file: string; text: string }

export type Place = { file: string; line: number; column: number }

/**
 * Where in the declared files a complaint of Compose points at. Compose mostly names a file or a member, and of a mistake in the syntax a line
 * that is that of the mistake's beginning or near it: so the files are read here once more. `undefined` where its words name nothing.
 */
export function placeOf(words: string, files: ComposeFileText[]): Place | undefined {
  return placeOfVariables(words) ?? placeOfSyntax(words, files) ?? placeOfMember(words, files)
}

/** `failed to read /x/stack.env: line 3: key cannot contain a space` */
function placeOfVariables(words: string): Place | undefined {
  const [, file, line] = /failed to read (\S+): line (\d+)/.exec(words) ?? []
  return file === undefined ? undefined : { file, line: Number(line), column: 1 }
}

function placeOfSyntax(words: string, files: ComposeFileText[]): Place | undefined {
  if (!/\byaml: /.test(words)) return undefined
  for (const { file, text } of files) {
    const [error] = parseDocument(text, { merge: true }).errors
    const [start] = error?.linePos ?? []
    if (start) return { file, line: start.line, column: start.col }
  }
  return undefined
}

function placeOfMember(words: string, files: ComposeFileText[]): Place | undefined {
  const path = memberOf(words)
  const [, named] = /validating (\S+): /.exec(words) ?? []
  const candidates = named === undefined ? files.toReversed() : files.filter(({ file }) => file === named)
  const whole = named === undefined ? undefined : { file: named, line: 1, column: 1 }
  const [deepest] = candidates.flatMap(file => locate(file, path) ?? []).toSorted((a, b) => b.depth - a.depth)
  if (!deepest) return whole
  const { depth: _depth, ...place } = deepest
  return place
}

/** The member that Compose's words name, as `services.a.image`. */
function memberOf(words: string): string[] {
  const [, holder, extra] = /(\S+) additional propert\w+ '?([\w-]+)'? (?:is )?not allowed/i.exec(words) ?? []
  if (holder !== undefined && extra !== undefined) return [...(holder === '(root)' ? [] : split(holder)), extra]
  const [, service] = /service "([^"]+)"/.exec(words) ?? []
  const [, member] = /((?:services|networks|volumes|secrets|configs)[.[][^\s:']+)/.exec(words) ?? []
  if (member !== undefined) return split(member)
  return service === undefined ? [] : ['services', service]
}

const split = (path: string): string[] => path.split(/[.[\]]+/).filter(step => step !== '')

/** The key of the deepest member of the path that the file has; nothing where it has not even the first two. */
function locate({ file, text }: ComposeFileText, path: string[]): (Place & { depth: number }) | undefined {
  const lines = new LineCounter()
  let node: unknown = parseDocument(text, { merge: true, lineCounter: lines }).contents
  let found: { offset: number; depth: number } | undefined
  for (const [depth, step] of path.entries()) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && String(key.value) === step) : undefined
    if (!pair || !isScalar(pair.key) || !pair.key.range) break
    found = { offset: pair.key.range[0], depth: depth + 1 }
    node = pair.value
  }
  if (!found || found.depth < Math.min(2, path.length)) return undefined
  const { line, col } = lines.linePos(found.offset)
  return { file, line, column: col, depth: found.depth }
}
