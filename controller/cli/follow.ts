import { keyOf } from '../../crds/contract/resource.ts'
import type { KindName } from '../../crds/kinds.ts'
import type { ResourceEvent, ResourceView } from '../api/contract.ts'
import { durationMsOf } from './argument.ts'
import type { Context } from './context.ts'
import { type Goal, judge, progressBetween, type Verdict } from './convergence.ts'
import { type ExitCode, exitCodes } from './exit.ts'
import { progressRenderer } from './progress.ts'

export type FollowOptions = { timeout: string; output?: string | undefined; goal: Goal; afterEvent: number }

/**
 * Follows a feed through the watch stream, step by step, until the goal is met (0), the feed is stalled or rolled back (1) or
 * the time is over (3). Ctrl-C ends it with the signal's reason; what was edited stays edited.
 */
export async function follow(context: Context, view: ResourceView, options: FollowOptions): Promise<ExitCode> {
  const { terminal, controller, signal } = context
  const key = keyOf(view.metadata)
  const startedAt = terminal.now()
  const elapsed = () => terminal.now() - startedAt
  const renderer = progressRenderer(terminal, options.output, key)
  const timeout = AbortSignal.timeout(durationMsOf('--timeout', options.timeout))
  let last: ResourceView | undefined
  let verdict: Verdict = { state: 'waiting', why: 'nothing heard yet' }
  let seen = options.afterEvent
  for await (const { event, data } of controller.watch({ kind: view.kind, key }, AbortSignal.any([signal, timeout]))) {
    if (event === 'reconnecting')
      renderer.step({ type: 'note', message: `lost the controller (${data}); trying again` }, elapsed())
    if (event === 'deleted') verdict = { state: 'failed', why: 'it is no longer declared' }
    if (event === 'event') {
      const { sequence, type, reason, message } = JSON.parse(data) as ResourceEvent
      if (sequence > seen) renderer.step({ type: 'event', severity: type, reason, message }, elapsed())
      seen = Math.max(seen, sequence)
    }
    if (event === 'resource') {
      const now = JSON.parse(data) as ResourceView
      for (const step of progressBetween(last ?? view, now)) renderer.step(step, elapsed())
      last = now
      verdict = judge(now, options.goal)
      renderer.waiting(verdict.why, elapsed())
    }
    if (verdict.state !== 'waiting') break
  }
  signal.throwIfAborted()
  renderer.end({ state: verdict.state === 'waiting' ? 'timeout' : verdict.state, why: verdict.why, elapsedMs: elapsed() })
  return verdict.state === 'done' ? exitCodes.ok : verdict.state === 'failed' ? exitCodes.negative : exitCodes.timeout
}

/** Newest event of a resource, so that a wait tells only what came after. 0 where there is none. */
export async function newestEvent({ controller }: Context, key: string, kind: KindName = 'Feed'): Promise<number> {
  const events = await controller.events({ kind, key, limit: 100 })
  return Math.max(0, ...events.map(event => event.sequence))
}
