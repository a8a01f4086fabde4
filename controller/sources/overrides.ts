import { basename, dirname, join } from 'node:path'
import { maxOverridesBytes, overridesSchema } from '../../crds/contract/calendar.ts'
import { objectsOf } from '../consistency/input.ts'
import { problemAt } from '../consistency/problem.ts'
import { complaintsOf } from './issue.ts'
import { maxNodes, NodeError, type Nodes, offsetOf, pathAt, plainValue } from './node.ts'
import { type Problem, pathText } from './problem.ts'
import type { Declared } from './source.ts'
import { type ParsedYaml, parseYaml, wholeFile } from './syntax.ts'
import { seeAll } from './tree.ts'

/** What is wrong in override files, by their places; `texts` are those files, for whoever shows the lines. */
export type OverrideFindings = { problems: Problem[]; texts: Map<string, string> }

/**
 * Checks the calendar's override files that profiles name, below the data directory, as the feed will: it refuses to start with a bad one.
 * A file that is not there is a warning, because the feed's data directory may be another one. Never rejects for what the files hold.
 */
export async function checkOverrides(
  objects: ReadonlyMap<string, Declared>,
  dataDirectory: string,
  signal: AbortSignal,
): Promise<OverrideFindings> {
  const findings: OverrideFindings = { problems: [], texts: new Map() }
  const named = new Map<string, Declared>()
  for (const profile of objectsOf({ objects }, 'FeedProfile')) {
    const name = profile.resource.spec.calendar.overrides
    if (name !== undefined && !named.has(name)) named.set(name, profile)
  }
  for (const [name, profile] of named) await checkOne(name, profile, dataDirectory, signal, findings)
  return findings
}

async function checkOne(
  name: string,
  profile: Declared,
  dataDirectory: string,
  signal: AbortSignal,
  { problems, texts }: OverrideFindings,
): Promise<void> {
  const path = join(dataDirectory, name)
  const seen = (await seeAll(dirname(path), [basename(path)], undefined, signal)).get(basename(path))
  const { kind, metadata } = profile.resource
  const whose = { kind, namespace: metadata.namespace, name: metadata.name }
  if (seen === undefined) problems.push(notThere(name, dataDirectory, profile))
  else if ('problem' in seen) problems.push({ ...seen.problem, ...whose })
  else {
    texts.set(path, seen.text)
    problems.push(...problemsIn(path, seen.text).map(problem => ({ ...problem, ...whose })))
  }
}

function problemsIn(file: string, text: string): Problem[] {
  if (Buffer.byteLength(text) > maxOverridesBytes) return [tooLarge(file)]
  const yaml = parseYaml(file, text)
  const [first, second] = yaml.documents
  if (yaml.problems.length > 0 || first === undefined) return yaml.problems
  const [alias] = first.targets.keys()
  if (second !== undefined) return [refused(file, yaml, offsetOf(second, []), 'a second document', 'keep one document')]
  if (alias !== undefined) return [refused(file, yaml, alias.range?.[0] ?? 0, 'an alias', 'write the value out')]
  return complaints(file, first, yaml)
}

function complaints(file: string, nodes: Nodes, yaml: ParsedYaml): Problem[] {
  try {
    const value = plainValue(nodes.root, nodes, { nodes: maxNodes }) ?? {}
    return complaintsOf(overridesSchema, value, []).map(({ path, aim, category, reason, message, hint }) => {
      const place = yaml.positionOf(offsetOf(nodes, path, aim))
      return { ...wholeFile(file), ...place, path: pathText(path), category, reason, message, hint }
    })
  } catch (error) {
    if (!(error instanceof NodeError)) throw error
    const { offset, reason, message, hint } = error
    const path = pathText(pathAt(nodes.root, offset))
    return [{ ...wholeFile(file), ...yaml.positionOf(offset), path, category: 'syntax', reason, message, hint }]
  }
}

function notThere(name: string, dataDirectory: string, profile: Declared): Problem {
  return problemAt(profile, ['spec', 'calendar', 'overrides'], {
    category: 'consistency',
    severity: 'warning',
    reason: 'OverridesNotFound',
    message: `there is no file ${name} below ${dataDirectory}, so it is not checked`,
    hint: "name the feed's data directory with --data; where it is not there either, the feed does not start",
  })
}

function tooLarge(file: string): Problem {
  const message = `an override file has at most ${maxOverridesBytes} bytes`
  return { ...wholeFile(file), category: 'syntax', reason: 'FileTooLarge', message, hint: 'leave days out that are over' }
}

function refused(file: string, yaml: ParsedYaml, offset: number, what: string, hint: string): Problem {
  const message = `${what}: the feed reads none in an override file`
  return { ...wholeFile(file), ...yaml.positionOf(offset), category: 'syntax', reason: 'CalendarInvalid', message, hint }
}
