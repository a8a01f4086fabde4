import { parseResubscription } from '../../../crds/contract/resubscription.ts'
import type { FeedMemory } from '../../store/memory.ts'
import { newRequest } from './aim.ts'
import { type Decision, type Step, warning } from './decision.ts'
import { type FeedInput, findReport, findWorkload } from './input.ts'

/**
 * The act that `feedplane.dev/resubscribe` asks for, once the feed serves, answers and nothing else is to be done. It is remembered as
 * carried out when the feed has taken it (`remembered`); one that nobody can read is told and not looked at again.
 */
export function withResubscription(decision: Decision, input: FeedInput): Decision {
  const token = newRequest(input, 'resubscribe')
  if (token === undefined || decision.steps.length > 0 || decision.memory.rollout) return decision
  const asked = parseResubscription(token)
  if ('problem' in asked) {
    const note = warning('ResubscribeInvalid', `feedplane.dev/resubscribe: ${asked.problem}`)
    return { ...decision, memory: remembered(decision.memory, token), notes: [...decision.notes, note] }
  }
  const { serving } = decision.memory
  const endpoint = serving && findReport(input, serving.container) && findWorkload(input, serving.container)?.endpoint
  if (!serving || !endpoint) return decision
  const reason = 'feedplane.dev/resubscribe asks for it'
  const step: Step = { action: 'Resubscribe', container: serving.container, endpoint, request: asked.request, token, reason }
  return { ...decision, steps: [step] }
}

/** The memory after the feed has taken the request. */
export function remembered(memory: FeedMemory, token: string): FeedMemory {
  return { ...memory, requests: { ...memory.requests, resubscribe: token } }
}
