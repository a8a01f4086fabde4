import { type FeedReport, isGivenUp } from '../../../crds/contract/feedstatus.ts'
import type { FeedMemory } from '../../store/memory.ts'
import { newRequest } from './aim.ts'
import type { Decision, Step } from './decision.ts'
import { type FeedInput, findReport, findWorkload } from './input.ts'

/**
 * Part of what `feedplane.dev/retry` asks for: a login that the front refused for good, or whose account it locked, is tried once more by the
 * process that runs. It is remembered as carried out when the feed has taken it.
 */
export function withLoginRetry(decision: Decision, input: FeedInput): Decision {
  const token = newRequest(input, 'retry')
  const asked = loginsToRetry(input)
  if (token === undefined || !asked || decision.steps.length > 0) return decision
  const { container, endpoint, accounts } = asked
  const reason = `feedplane.dev/retry asks for another login of ${accounts.join(' and ')}`
  const step: Step = { action: 'RetryLogins', container, endpoint, token, reason }
  return {
    ...decision,
    steps: [step],
    outcomes: [...decision.outcomes, { type: 'Normal', reason: 'RetryRequested', message: reason }],
  }
}

/** A process of this feed some of whose sessions gave their login up. A revision that was rolled back is tried by rolling it out again. */
export function loginsToRetry(input: FeedInput) {
  const { failure, rollout, serving } = input.memory
  if (failure) return undefined
  for (const container of [rollout?.container, serving?.container]) {
    const report = container === undefined ? undefined : findReport(input, container)
    const endpoint = container === undefined ? undefined : findWorkload(input, container)?.endpoint
    const accounts = report ? givenUp(report) : []
    if (container !== undefined && endpoint !== undefined && accounts.length > 0) return { container, endpoint, accounts }
  }
  return undefined
}

/** The memory after the feed has taken the request: a rollout that got stuck on the login begins anew. */
export function loginsRetried({ rollout, ...memory }: FeedMemory, token: string): FeedMemory {
  const isStuck = rollout?.failure !== undefined && rollout.phase !== 'reverting' && !rollout.movesGate
  const kept = rollout && !isStuck ? { rollout } : {}
  return { ...memory, ...kept, requests: { ...memory.requests, retry: token } }
}

function givenUp({ sessions }: FeedReport): string[] {
  return sessions.filter(isGivenUp).map(({ account }) => account)
}
