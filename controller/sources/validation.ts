import { stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { checkConsistency } from '../consistency/consistency.ts'
import { duplicateName, withoutDuplicates } from '../consistency/duplicates.ts'
import { cataloguesOf } from '../consistency/input.ts'
import { openCatalogues } from './catalogue.ts'
import { type ParsedFile, parseFile } from './document.ts'
import { checkOverrides } from './overrides.ts'
import { comparePlaces, type Problem, withoutSecrets } from './problem.ts'
import type { Declared } from './source.ts'
import { wholeFile } from './syntax.ts'
import { type Look, lookAt, seeAll } from './tree.ts'

export type ValidationOptions = {
  /** Root of catalogues and recordings (FEEDPLANE_DATA). */
  dataDirectory: string
  /** Environment that Credentials are looked up in; secrets that it does not have at all are a warning. */
  env: Readonly<Record<string, string | undefined>>
  /** Problems name files relative to this folder; absolute where it is not given. */
  relativeTo?: string
  signal?: AbortSignal
}

export type Validation = {
  problems: Problem[]
  warnings: Problem[]
  /** Every object that is right by itself, by `Kind/namespace/name`. */
  objects: Map<string, Declared>
}

/**
 * Checks files and folders as one declaration: syntax, schema, consistency between all of them, and the override files of calendars. Never rejects for what the
 * files hold; rejects with the signal's reason.
 */
export async function validatePaths(paths: readonly string[], options: ValidationOptions): Promise<Validation> {
  const signal = options.signal ?? new AbortController().signal
  const texts = new Map<string, string>()
  const problems: Problem[] = []
  for (const path of paths) problems.push(...(await collect(resolve(path), texts, signal)))
  const files = [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, text]) => parseFile(file, text))
  const { objects, duplicates } = withoutDuplicates(files.flatMap(file => file.objects))
  problems.push(...files.flatMap(file => file.problems), ...duplicates.map(duplicateName))
  problems.push(...(await inconsistencies(objects, files, options)))
  const overrides = await checkOverrides(objects, resolve(options.dataDirectory), signal)
  problems.push(...overrides.problems)
  for (const [file, text] of overrides.texts) texts.set(file, text)
  const shown = problems.sort(comparePlaces).map(problem => illustrated(problem, texts, options.relativeTo))
  const isError = ({ severity }: Problem) => severity === 'error'
  return { problems: shown.filter(isError), warnings: shown.filter(problem => !isError(problem)), objects }
}

async function inconsistencies(
  objects: Map<string, Declared>,
  files: ParsedFile[],
  options: ValidationOptions,
): Promise<Problem[]> {
  const catalogues = await openCatalogues(options.dataDirectory).load(cataloguesOf(objects))
  const mentioned = new Set(files.flatMap(file => file.mentions))
  return checkConsistency({ objects, mentioned, catalogues, env: options.env })
}

/** Reads a file, or all YAML below a folder, into `texts`; returns what could not be read. */
async function collect(path: string, texts: Map<string, string>, signal: AbortSignal): Promise<Problem[]> {
  const isFolder = await stat(path).then(
    stats => stats.isDirectory(),
    () => false,
  )
  const root = isFolder ? path : dirname(path)
  const look = isFolder ? await lookAt(root, undefined, signal) : await lookAtFile(root, basename(path), signal)
  const problems = [...look.problems]
  for (const [name, file] of look.files) {
    if ('text' in file) texts.set(join(root, name), file.text)
    else problems.push(file.problem)
  }
  return problems.length > 0 || look.files.size > 0 ? problems : [nothingThere(path, isFolder)]
}

async function lookAtFile(root: string, name: string, signal: AbortSignal): Promise<Look> {
  return { files: await seeAll(root, [name], undefined, signal), known: true, problems: [] }
}

function nothingThere(path: string, isFolder: boolean): Problem {
  const message = isFolder ? 'the folder has no YAML file' : 'there is no such file'
  const hint = 'name a file, or a folder with *.yaml or *.yml files'
  return { ...wholeFile(path), category: 'unreadable', reason: 'NothingToRead', message, hint }
}

function illustrated(problem: Problem, texts: Map<string, string>, relativeTo: string | undefined): Problem {
  const line = texts.get(problem.file)?.split('\n')[problem.line - 1]
  const excerpt = line === undefined ? {} : { excerpt: withoutSecrets(line.trimEnd()) }
  if (relativeTo === undefined) return { ...problem, ...excerpt }
  const shorten = (text: string) => text.replaceAll(`${resolve(relativeTo)}/`, '')
  const { message, hint } = problem
  return { ...problem, ...excerpt, file: relative(relativeTo, problem.file), message: shorten(message), hint: shorten(hint) }
}

/** Columns of a line that are shown around the place. */
const excerptWidth = 110

/**
 * A problem for a terminal:
 *
 *     feeds.yaml:12:5: spec.container.privileged: privileged cannot be set: ...
 *         privileged: true
 *         ^
 *         remove it
 */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, hint } = problem
  const head = `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${problem.severity === 'warning' ? 'warning: ' : ''}${message}`
  return [head, ...excerptLines(problem), `    ${hint}`].join('\n')
}

function excerptLines({ excerpt, column }: Problem): string[] {
  if (excerpt === undefined || excerpt.trim() === '') return []
  const indent = excerpt.length - excerpt.trimStart().length
  const start = Math.max(Math.min(indent, column - 1), column - 1 - Math.floor(excerptWidth / 2))
  const shown = excerpt.slice(start, start + excerptWidth).replaceAll('\t', ' ')
  return [`    ${shown}`, `    ${' '.repeat(Math.max(0, column - 1 - start))}^`]
}
