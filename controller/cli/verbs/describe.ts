import { keyOf } from '../../../crds/contract/resource.ts'
import type { Context } from '../context.ts'
import { renderDescription } from '../description.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { kindOf, resourceOf } from '../reference.ts'

/** Events on the page; `feedctl events` has more. */
const eventLimit = 20

/** Everything about one resource: declaration, conditions, sessions, subscriptions, revisions, events. */
export async function describe(context: Context, kindWord: string, name: string): Promise<ExitCode> {
  const { terminal, controller } = context
  const view = await resourceOf(context, kindOf(kindWord), name)
  const key = keyOf(view.metadata)
  const [revisions, events] = await Promise.all([
    view.kind === 'Feed' ? controller.revisions(key) : [],
    controller.events({ kind: view.kind, key, limit: eventLimit }),
  ])
  terminal.out(renderDescription({ view, revisions, events, now: terminal.now() }, terminal.outColour))
  return exitCodes.ok
}
