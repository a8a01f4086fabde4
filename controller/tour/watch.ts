import type { ResourceView } from '../api/contract.ts'
import { type Goal, judge, type Verdict } from '../cli/convergence.ts'
import { streamMessages } from '../cli/stream.ts'

export type Settled = Verdict & { view: ResourceView }

/** Follows a feed until it has done or failed what the goal asks for; `signal` ends it with its reason. */
export async function untilSettled(url: string, key: string, goal: Goal, signal: AbortSignal): Promise<Settled> {
  const path = `/api/v1/watch?${new URLSearchParams({ kind: 'Feed', key })}`
  for await (const { event, data } of streamMessages(url, path, signal)) {
    if (event !== 'resource') continue
    const view = JSON.parse(data) as ResourceView
    const verdict = judge(view, goal)
    if (verdict.state !== 'waiting') return { ...verdict, view }
  }
  throw signal.reason
}
