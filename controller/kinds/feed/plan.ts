import { aimOf, newRequest } from './aim.ts'
import { type Aim, type Decision, idle, normal, warning } from './decision.ts'
import type { FeedInput } from './input.ts'
import { followOverride } from './override.ts'
import { planRemoval } from './removal.ts'
import { planRepair } from './repair.ts'
import { retire } from './retention.ts'
import { beginRollout, planRollout } from './rollout.ts'

/**
 * Decides what to do about a feed, from what is declared and observed now. Pure: no I/O, no clock (`input.now`), no randomness.
 *
 * - Not declared any more: remove what runs.
 * - Suspended: leave everything as it is.
 * - The revision that is aimed at is not the one that serves: roll it out, phase by phase, or bring the last good one back.
 * - It serves: repair what drifted, and hand the feed what it does not have yet. Mostly that is nothing.
 */
export function plan(input: FeedInput): Decision {
  if (!input.declared) return planRemoval(input)
  if (input.declared.resource.spec.suspend) return idle(input.memory)
  const aim = aimOf(input)
  const observed = followOverride(takeRequests(idle(epochSeen(input), aim), input), input)
  const decision = converge({ ...input, memory: observed.memory }, aim)
  return retire({ ...decision, notes: [...observed.notes, ...decision.notes] }, input)
}

function converge(input: FeedInput, aim: Aim): Decision {
  const unknown = [...input.engines.values()].some(view => view.fault !== undefined)
  if (unknown) return idle(input.memory, aim)
  const { rollout, serving } = input.memory
  if (rollout?.phase === 'reverting') return planRollout(input, aim, rollout)
  if (aim.revision === undefined) return idle(input.memory, aim)
  if (rollout?.revision === aim.revision.number) return planRollout(input, aim, rollout)
  if (serving?.revision !== aim.revision.number) return beginRollout(input, aim, aim.revision)
  return planRepair(input, aim, aim.revision, serving)
}

/** A feed's own watchdog moves the epoch too: what it reports is never handed out again. */
function epochSeen(input: FeedInput) {
  const seen = input.reports.map(view => ('report' in view ? view.report.epoch : 0))
  return { ...input.memory, epoch: Math.max(input.memory.epoch, ...seen) }
}

/** One-shot tokens: a new one is carried out by this decision and remembered with it; one that has no object is only remembered. */
function takeRequests(decision: Decision, input: FeedInput): Decision {
  return takeFailback(takeRetry(decision, input), input)
}

function takeRetry(decision: Decision, input: FeedInput): Decision {
  const token = newRequest(input, 'retry')
  if (token === undefined) return decision
  const { failure, ...rest } = decision.memory
  const memory = { ...rest, requests: { ...rest.requests, retry: token } }
  const note = failure
    ? normal('RetryRequested', `revision ${failure.revision} is tried again on request`)
    : warning('RetryIgnored', 'a retry was asked for, and no revision has failed')
  return { ...decision, memory, notes: [...decision.notes, note] }
}

function takeFailback(decision: Decision, input: FeedInput): Decision {
  const token = newRequest(input, 'failback')
  if (token === undefined || input.memory.override) return decision
  const memory = { ...decision.memory, requests: { ...decision.memory.requests, failback: token } }
  return {
    ...decision,
    memory,
    notes: [...decision.notes, warning('FailbackIgnored', 'failback was asked for, and no override is in force')],
  }
}
