import type { Rollout } from '../../store/memory.ts'
import { type Aim, type Decision, idle } from './decision.ts'
import { stuckIntervalMs } from './failure.ts'
import type { FeedInput } from './input.ts'
import { deadlineMs } from './phase.ts'
import { lookAfterServing } from './repair.ts'

/** Whether somebody else holds the name of a container that has to be made. */
export function isNameTaken({ strangers }: FeedInput, container: string): boolean {
  return strangers.some(({ name }) => name === container)
}

/**
 * A name that somebody else holds says nothing about the revision: it is not given up, nothing is touched, and it goes on by itself when the name
 * is free. What serves is looked after meanwhile.
 */
export function waitForName(input: FeedInput, aim: Aim, rollout: Rollout): Decision {
  const message = `${rollout.container} belongs to somebody else: rename or remove it`
  const waiting: Rollout = { ...rollout, waits: { reason: 'NameTaken', message } }
  const { memory, steps } = lookAfterServing({ ...input, memory: { ...input.memory, rollout: waiting } })
  return { ...idle(memory, aim), steps, wakeMs: stuckIntervalMs }
}

/** The time of its phase begins anew. */
export function resumed(input: FeedInput, { waits: _over, ...rollout }: Rollout): Rollout {
  return { ...rollout, phaseSince: input.now, deadline: input.now + deadlineMs(input) }
}
