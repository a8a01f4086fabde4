import { type Document, LineCounter, parseAllDocuments, type YAMLParseError, type YAMLWarning } from 'yaml'
import { type Nodes, nodesOf, pathAt } from './node.ts'
import { type Position, type Problem, pathText } from './problem.ts'

/** Documents in one file at most. */
export const maxDocuments = 1000

/** One YAML file, parsed as far as it goes. */
export type ParsedYaml = {
  documents: Nodes[]
  /** Syntax errors, in the order of the file. */
  problems: Problem[]
  positionOf(offset: number): Position
}

/** Parses YAML 1.2 with merge keys. Never throws: whatever is wrong is a problem. */
export function parseYaml(file: string, text: string): ParsedYaml {
  const lineCounter = new LineCounter()
  const positionOf = (offset: number) => placeIn(text, lineCounter, offset)
  try {
    const options = { lineCounter, prettyErrors: false, stringKeys: true, merge: true, logLevel: 'silent' } as const
    const parsed = parseAllDocuments(text, options)
    const documents = 'empty' in parsed ? [] : [...parsed]
    const problems = documents.flatMap((document, index) =>
      faultsOf(document).map(fault => ({
        ...syntaxProblem(file, fault, document, text, positionOf),
        document: index + 1,
      })),
    )
    if (documents.length > maxDocuments) problems.push(tooManyDocuments(file, documents.length))
    return { documents: documents.slice(0, maxDocuments).map(document => nodesOf(document.contents)), problems, positionOf }
  } catch (error) {
    return { documents: [], problems: [unparsable(file, error)], positionOf }
  }
}

/**
 * The first error of a document, since those after it are mostly its echo; and all that stand for themselves. A tag without a meaning
 * here is as wrong as a syntax error: its value would be taken for plain text.
 */
function faultsOf({ errors, warnings }: Document): (YAMLParseError | YAMLWarning)[] {
  const independent = ['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']
  return [...errors.filter(({ code }, index) => index === 0 || independent.includes(code)), ...warnings.filter(isTag)]
}

function isTag({ code }: YAMLWarning): boolean {
  return code === 'TAG_RESOLVE_FAILED'
}

function syntaxProblem(
  file: string,
  fault: YAMLParseError | YAMLWarning,
  document: Document,
  text: string,
  positionOf: (offset: number) => Position,
): Problem {
  const [offset] = fault.pos
  const { message, hint } = wordsOf(fault, text)
  const path = pathText(pathAt(document.contents, offset))
  return {
    file,
    ...positionOf(offset),
    path,
    document: 1,
    severity: 'error',
    category: 'syntax',
    reason: reasonOf(fault),
    message,
    hint,
  }
}

function reasonOf({ code }: YAMLParseError | YAMLWarning): string {
  if (code === 'DUPLICATE_KEY') return 'DuplicateKey'
  return code === 'TAB_AS_INDENT' ? 'TabIndent' : 'SyntaxError'
}

function wordsOf(fault: YAMLParseError | YAMLWarning, text: string): { message: string; hint: string } {
  const rest = text.slice(fault.pos[0], fault.pos[0] + 200)
  if (fault.code === 'DUPLICATE_KEY') {
    const key = /^[^:\n]*/.exec(rest)?.[0].trim()
    return { message: `the key ${key} is given twice`, hint: `keep one ${key}: YAML has no rule for which of them counts` }
  }
  if (rest.includes('{{') || text.slice(0, fault.pos[1]).endsWith('{{')) {
    return { message: 'a template ({{ ... }}) is no YAML', hint: 'render the template first, or put the value in quotes' }
  }
  return { message: sentences[fault.code] ?? lowerFirst(fault.message), hint: hints[fault.code] ?? 'write it as plain YAML 1.2' }
}

const sentences: Partial<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab stands where indentation is expected',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: value" on the same line, or a key indented below a value',
  NON_STRING_KEY: 'a key must be plain text',
  UNEXPECTED_TOKEN: 'a value or a sign stands where none is expected',
}

const quote = 'put the value in quotes'
const hints: Partial<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces; YAML forbids tabs',
  BLOCK_AS_IMPLICIT_KEY: 'put a text with ": " in quotes, and nested keys on lines of their own with two more spaces',
  MULTILINE_IMPLICIT_KEY: 'put nested keys on lines of their own with two more spaces, below a key without a value',
  BAD_INDENT: 'align the keys of one map in one column, and close each [ or { on a line that is indented more than its key',
  MISSING_CHAR: 'close the quote, bracket or brace that was opened, or put a colon after the key',
  BAD_SCALAR_START: quote,
  BAD_DQ_ESCAPE: "use single quotes ('...') where a backslash is meant as it stands",
  TAG_RESOLVE_FAILED: 'leave the tag (!...) out: only plain YAML values are read',
  UNEXPECTED_TOKEN: 'check the indentation, and put a text that begins with a YAML sign in quotes',
  NON_STRING_KEY: 'put the key in quotes',
}

/** A file that ends too early is wrong at its last character, not on a line that nobody sees. */
function placeIn(text: string, lineCounter: LineCounter, offset: number): Position {
  const end = text.trimEnd().length
  const { line, col } = lineCounter.linePos(Math.max(0, Math.min(offset, end)))
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

function tooManyDocuments(file: string, count: number): Problem {
  const message = `the file has ${count} documents, and ${maxDocuments} are read at most`
  return { ...wholeFile(file), category: 'syntax', reason: 'TooManyDocuments', message, hint: 'split the file' }
}

function unparsable(file: string, error: unknown): Problem {
  const message = `the file cannot be parsed: ${error instanceof Error ? error.message : String(error)}`
  return {
    ...wholeFile(file),
    category: 'syntax',
    reason: 'SyntaxError',
    message,
    hint: 'check that it is YAML, and not nested too deeply',
  }
}

/** The place of a problem with a file as a whole. */
export function wholeFile(file: string) {
  return { file, line: 1, column: 1, path: '', document: 1, severity: 'error' as const }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
