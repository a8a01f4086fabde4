import { isDeepStrictEqual } from 'node:util'
import { keyOf } from '../../../crds/contract/resource.ts'
import { feed } from '../../../crds/feed.ts'
import type { ResourceView } from '../../api/contract.ts'
import type { Context } from '../context.ts'
import { type ExitCode, refused } from '../exit.ts'
import { follow, newestEvent } from '../follow.ts'
import { asFeed } from '../health.ts'
import { readManifest } from '../manifest.ts'
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
  const goal = (await isUnread(view)) ? { afterGeneration: view.metadata.generation } : {}
  return follow(context, view, { ...options, goal, afterEvent })
}

/**
 * Whether the file, as far as it is on this machine, says something else than the controller has read: an edit of a moment ago,
 * which the Ready of before says nothing about.
 */
async function isUnread(view: ResourceView): Promise<boolean> {
  if (view.origin === undefined) return false
  const { namespace, name, annotations = {} } = view.metadata
  const declared = await readManifest(view.origin, { kind: view.kind, namespace, name }).catch(() => undefined)
  const spec = feed.spec.safeParse(declared?.spec)
  if (declared === undefined || !spec.success) return false
  const written = { spec: spec.data, annotations: (declared.metadata as { annotations?: unknown }).annotations ?? {} }
  return !isDeepStrictEqual(JSON.parse(JSON.stringify(written)), { spec: view.spec, annotations })
}
