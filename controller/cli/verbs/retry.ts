import { isGivenUp } from '../../../crds/contract/feedstatus.ts'
import { requestAnnotations } from '../../../crds/feed.ts'
import { type ChangeOptions, changeFeed } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'
import { isTrue } from '../health.ts'

/** Tries a failed revision, or logins that were given up, once more although no input changed: a new one-shot token in the annotations. */
export function retry(context: Context, name: string, options: ChangeOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, ({ view }) => {
    const failed = view === undefined || view.status.failedRevision !== undefined || isTrue(view, 'Stalled')
    const isRefused = view?.status.sessions?.some(isGivenUp) ?? false
    if (!failed && !isRefused) return { already: 'no revision has failed, and no login was given up' }
    const token = context.newToken()
    return { change: { path: ['metadata', 'annotations', requestAnnotations.retry], value: token }, goal: { token } }
  })
}
