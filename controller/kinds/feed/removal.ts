import { type Decision, idle, normal } from './decision.ts'
import type { FeedInput } from './input.ts'
import { leftOvers } from './repair.ts'

/** How often an engine that cannot be asked is asked again about what is to be removed, in ms. */
const retryIntervalMs = 5000

/** The feed is no longer declared: everything of it goes, and it is forgotten once the engines have confirmed that nothing is left. */
export function planRemoval(input: FeedInput): Decision {
  const steps = leftOvers(input, []).map(step => ({ ...step, reason: `Feed ${input.key} is no longer declared` }))
  if (steps.length > 0)
    return { ...idle(input.memory), steps, notes: [normal('Removing', 'the feed is no longer declared')], wakeMs: 0 }
  const views = [...input.engines.values()]
  const sure = views.every(({ fault, workloads }) => fault === undefined && workloads.length === 0)
  return sure ? { ...idle(input.memory), gone: true } : { ...idle(input.memory), wakeMs: retryIntervalMs }
}
