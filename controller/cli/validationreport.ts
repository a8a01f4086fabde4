import { relative } from 'node:path'
import type { Problem } from '../sources/problem.ts'
import { type Declared, objectKey } from '../sources/source.ts'
import { formatProblem } from '../sources/validation.ts'

/**
 * JUnit XML, as CI servers read it: a suite for each file, a case for each object that is right and for each problem; a warning is a
 * case that passes, with its words as output.
 */
export function junitReport(objects: Declared[], problems: Problem[], directory: string): string {
  const fileOf = ({ origin }: Declared) => relative(directory, origin.file) || origin.file
  const files = [...new Set([...objects.map(fileOf), ...problems.map(problem => problem.file)])].sort()
  const suites = files.map(file =>
    suite(
      file,
      objects.filter(object => fileOf(object) === file),
      problems.filter(problem => problem.file === file),
    ),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="feedctl validate">\n${suites.join('')}</testsuites>\n`
}

/** `12 objects are right, 1 problem, 2 warnings`. */
export function countsOf(objects: number, problems: number, warnings: number): string {
  const right = `${objects} ${objects === 1 ? 'object is' : 'objects are'} right`
  const parts = [counted(problems, 'problem'), counted(warnings, 'warning')].filter(Boolean)
  return [right, ...parts].join(', ')
}

function suite(file: string, objects: Declared[], problems: Problem[]): string {
  const faulty = new Set(
    problems
      .filter(problem => problem.severity === 'error')
      .map(problem => `${problem.kind}/${problem.namespace}/${problem.name}`),
  )
  const passed = objects.map(({ resource }) => objectKey(resource)).filter(key => !faulty.has(key))
  const failures = problems.filter(problem => problem.severity === 'error').length
  const cases = [
    ...passed.map(key => `    <testcase classname="${xml(file)}" name="${xml(key)}"/>\n`),
    ...problems.map(problem => problemCase(file, problem)),
  ]
  return `  <testsuite name="${xml(file)}" tests="${cases.length}" failures="${failures}" errors="0" skipped="0">\n${cases.join('')}  </testsuite>\n`
}

function problemCase(file: string, problem: Problem): string {
  const where = `${problem.line}:${problem.column}${problem.path === '' ? '' : ` ${problem.path}`}`
  const text = xml(formatProblem(problem))
  const body =
    problem.severity === 'error'
      ? `<failure type="${xml(problem.reason)}" message="${xml(problem.message)}">${text}</failure>`
      : `<system-out>${text}</system-out>`
  return `    <testcase classname="${xml(file)}" name="${xml(`${where} ${problem.reason}`)}">${body}</testcase>\n`
}

function counted(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

// XML 1.0 has no place for control characters, not even escaped ones.
function xml(text: string): string {
  const allowed = [...text].filter(character => character >= ' ' || '\n\t'.includes(character)).join('')
  return allowed.replaceAll(/[&<>"']/g, character => entities[character] ?? '')
}
