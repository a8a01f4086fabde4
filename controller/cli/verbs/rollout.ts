import { keyOf } from '../../../crds/contract/resource.ts'
import type { Context } from '../context.ts'
import { type ExitCode, refused } from '../exit.ts'
import { follow, newestEvent } from '../follow.ts'
import { asFeed } from '../health.ts'
import { resourceOf } from '../reference.ts'

/** Follows what is under way to its end: 0 Ready at the present generation, 1 Stalled or rolled back, 3 timeout. */
export async function rollout(context: Context, name: string, options: { timeout: string; output?: string }): Promise<ExitCode> {
  const view = await resourceOf(context, 'Feed', name)
  if (asFeed(view).spec.suspend)
    throw refused(
      `${keyOf(view.metadata)} is suspended, so it would never converge`,
      `\`feedctl resume ${view.metadata.name}\` first`,
    )
  const afterEvent = await newestEvent(context, keyOf(view.metadata))
  return follow(context, view, { ...options, goal: {}, afterEvent })
}
