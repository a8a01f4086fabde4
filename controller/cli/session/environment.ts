import { access } from 'node:fs/promises'
import { formatProblem, validatePaths } from '../../sources/validation.ts'
import { type Stack, type StackModel, sourcesOf } from './compose.ts'
import { StageFailure } from './stage.ts'

/** Everything that can be known before anything is started: tools, variables, secret files, manifests. */
export async function checkEnvironment(
  stack: Stack,
  { data, signal }: { data: string; signal: AbortSignal },
): Promise<{ model: StackModel; message: string }> {
  await need(stack.envFile, 'an env file of the environment: --stack-env, or FEEDPLANE_ENVIRONMENT')
  const tools = await stack.checkTools()
  const model = await stack.model()
  for (const source of sourcesOf(model)) await need(source, '`npm run secrets` makes a set of secret files')
  const manifests = manifestsOf(model)
  const { problems, objects } = await validatePaths([manifests], { dataDirectory: data, env: {}, relativeTo: manifests, signal })
  const [problem] = problems
  if (problem)
    throw new StageFailure(
      `${problems.length} problems in ${manifests}: ${formatProblem(problem)}`,
      `feedctl validate ${manifests}`,
    )
  return { model, message: `${tools}; ${Object.keys(model.services).length} services, ${objects.size} objects declared` }
}

/** The folder of declared YAML that the stack's controller reads; it has the same path on the host. */
export function manifestsOf({ services }: StackModel): string {
  const folder = services.controller?.environment?.FEEDPLANE_MANIFESTS
  if (!folder) throw new StageFailure('the stack has no controller with FEEDPLANE_MANIFESTS', 'compose/docker-compose.yml')
  return folder
}

/** What only root may see is not held against whoever is not root. */
async function need(path: string, hint: string): Promise<void> {
  await access(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new StageFailure(`${path} is not there`, hint)
  })
}
