import { readFile, stat } from 'node:fs/promises'
import { textOf } from '../../sources/tree.ts'
import { formatProblem } from '../../sources/validation.ts'
import type { Context } from '../context.ts'
import { readObjects } from '../declaration.ts'
import { renderDocument } from '../document.ts'
import { type ExitCode, exitCodes, trouble } from '../exit.ts'
import { errorsIn, readManifests } from '../manifest.ts'
import { renderPlan } from '../records.ts'
import { areRevisions, diffRevisions } from './diffrevisions.ts'

/** Asks the controller for its plan and prints it: 0 nothing to do, 1 differences, 2 where a feed cannot be planned. */
export async function diff(context: Context, paths: string[], options: { output: 'text' | 'json' }): Promise<ExitCode> {
  if (areRevisions(paths)) return diffRevisions(context, paths, options)
  const { terminal, controller } = context
  const objects = (await Promise.all(paths.map(path => objectsAt(path, context.signal)))).flat()
  if (paths.length > 0 && objects.length === 0) throw trouble(`${paths.join(', ')}: nothing is declared there`)
  const items = await controller.plan(objects)
  terminal.out(options.output === 'json' ? await renderDocument(items, 'json') : renderPlan(items, terminal.outColour))
  if (items.some(item => item.violations.length > 0)) return exitCodes.trouble
  const isConverged = items.every(item => item.steps.length === 0)
  if (isConverged) terminal.err('nothing to do\n')
  return isConverged ? exitCodes.ok : exitCodes.negative
}

/** The objects below a path as they are written. Throws trouble with every problem that one file alone shows. */
async function objectsAt(path: string, signal: AbortSignal): Promise<unknown[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw trouble(`${path} cannot be read`, 'name a file or a folder of manifests', cause)
  })
  const { texts, unread } = info.isDirectory() ? await readManifests(path, signal) : await readOne(path)
  const problems = [...unread, ...[...texts].flatMap(([file, text]) => errorsIn(file, text))]
  if (problems.length > 0) throw trouble(`what is declared there is not valid\n${problems.map(formatProblem).join('\n')}`)
  return [...texts].flatMap(([file, text]) => readObjects(text, file))
}

/** A file whatever its name. */
async function readOne(file: string): ReturnType<typeof readManifests> {
  const seen = textOf(file, await readFile(file))
  return 'text' in seen ? { texts: new Map([[file, seen.text]]), unread: [] } : { texts: new Map(), unread: [seen.problem] }
}
