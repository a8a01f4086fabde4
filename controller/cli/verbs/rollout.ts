import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { keyOf } from '../../../crds/contract/resource.ts'
import { feed } from '../../../crds/feed.ts'
import type { ResourceView } from '../../api/contract.ts'
import { formatProblem } from '../../sources/validation.ts'
import type { Context } from '../context.ts'
import { readDeclaration } from '../declaration.ts'
import { type ExitCode, ExitError, exitCodes, refused } from '../exit.ts'
import { follow, newestEvent } from '../follow.ts'
import { asFeed } from '../health.ts'
import { errorsIn } from '../manifest.ts'
import { findResource, resourceOf } from '../reference.ts'

/** How often a feed that is not there is looked for, and how many times: 3 s, longer than a controller takes to read a folder. */
const lookEveryMs = 250
const looks = 12

/** Follows what is under way to its end: 0 Ready at the present generation, 1 Stalled, rolled back or not valid, 3 timeout. */
export async function rollout(context: Context, name: string, options: { timeout: string; output?: string }): Promise<ExitCode> {
  const view = await soon(context, name)
  if (asFeed(view).spec.suspend)
    throw refused(
      `${keyOf(view.metadata)} is suspended, so it would never converge`,
      `\`feedctl resume ${view.metadata.name}\` first`,
    )
  const text = view.origin && (await readFile(view.origin.file, 'utf8').catch(() => undefined))
  const [problem] = text === undefined ? [] : errorsIn(view.origin?.file ?? '', text)
  if (problem !== undefined) {
    context.terminal.err(`${formatProblem(problem)}\n`)
    throw new ExitError(exitCodes.negative, 'what is declared is not valid; the last good declaration stays in force', {
      hint: `\`feedctl validate ${problem.file}\` has all of it`,
    })
  }
  const afterEvent = await newestEvent(context, keyOf(view.metadata))
  const goal = text !== undefined && isUnread(view, text) ? { afterGeneration: view.metadata.generation } : {}
  return follow(context, view, { ...options, goal, afterEvent })
}

/** A feed that was declared a moment ago may not be read yet. */
async function soon(context: Context, name: string): Promise<ResourceView> {
  for (let look = 1; look < looks; look++) {
    const view = await findResource(context, 'Feed', name)
    if (view !== undefined) return view
    await sleep(lookEveryMs, undefined, { signal: context.signal })
  }
  return resourceOf(context, 'Feed', name)
}

/** Whether the file says something else than the controller has read: an edit of a moment ago, which an old Ready knows nothing of. */
function isUnread(view: ResourceView, text: string): boolean {
  const { namespace, name, annotations = {} } = view.metadata
  const declared = readDeclaration(text, view.origin?.file ?? '', { kind: view.kind, namespace, name })
  const spec = feed.spec.safeParse(declared?.spec)
  if (declared === undefined || !spec.success) return false
  const written = { spec: spec.data, annotations: (declared.metadata as { annotations?: unknown }).annotations ?? {} }
  return !isDeepStrictEqual(JSON.parse(JSON.stringify(written)), { spec: view.spec, annotations })
}
