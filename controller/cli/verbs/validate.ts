import { formatProblem, validatePaths } from '../../sources/validation.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { countsOf, junitReport } from '../validationreport.ts'

export type ValidateOptions = { output: 'text' | 'json' | 'junit'; data: string; strict?: boolean }

/** Checks manifests offline, all of them as one declaration. Exit 1 where any has a problem (with `--strict` also a warning). */
export async function validate(context: Context, paths: string[], options: ValidateOptions): Promise<ExitCode> {
  const { terminal, signal, environment, directory } = context
  const { problems, warnings, objects } = await validatePaths(paths, {
    dataDirectory: options.data,
    env: environment,
    relativeTo: directory,
    signal,
  })
  const all = [...problems, ...warnings]
  if (options.output === 'json') terminal.out(`${JSON.stringify({ objects: objects.size, problems, warnings }, null, 2)}\n`)
  else if (options.output === 'junit') terminal.out(junitReport([...objects.values()], all, directory))
  else terminal.out(all.map(problem => `${formatProblem(problem)}\n`).join(''))
  terminal.err(`${countsOf(objects.size, problems.length, warnings.length)}\n`)
  return problems.length > 0 || (options.strict && warnings.length > 0) ? exitCodes.negative : exitCodes.ok
}
