import type { Placement, StackMemory } from '../../store/stack.ts'
import { normal } from '../feed/decision.ts'
import type { StackDecision } from './decision.ts'
import type { Seen } from './input.ts'

/**
 * Adds what becomes of a place where a Stack ran and is no longer declared to run: by its deletion policy the containers of its services stay,
 * or go, and after them the networks that nothing is on. Until that is done the place is remembered.
 */
export function retire(decision: StackDecision, { placement, containers }: Seen): StackDecision {
  const { project, services, deletionPolicy } = placement
  if (deletionPolicy === 'Keep') {
    const note = normal('StackKept', `the services of the project ${project} run on: deletionPolicy is Keep`)
    return { ...decision, afterwards: without(decision.afterwards, placement), outcomes: [...decision.outcomes, note] }
  }
  if (!Array.isArray(containers)) return { ...decision, trouble: decision.trouble ?? { ...wordsOf(containers), source: false } }
  const own = containers.filter(({ service }) => services.includes(service))
  const reason = `the Stack is no longer declared in the project ${project}`
  if (own.length > 0) {
    const step = { action: 'Prune', placement, containers: own, reason } as const
    return { ...decision, steps: [...decision.steps, step], outcomes: [...decision.outcomes, normal('ServicesPruned', reason)] }
  }
  return {
    ...decision,
    steps: [...decision.steps, { action: 'RemoveNetworks', placement, reason }],
    afterwards: without(decision.afterwards, placement),
    outcomes: [...decision.outcomes, normal('StackRemoved', reason)],
  }
}

const wordsOf = ({ class: faultClass, reason, message }: Exclude<Seen['containers'], unknown[]>) => ({
  class: faultClass,
  reason,
  message,
})

function without(memory: StackMemory, placement: Placement): StackMemory {
  const isIt = ({ host, project }: Placement) => host === placement.host && project === placement.project
  return { ...memory, placements: memory.placements.filter(one => !isIt(one)) }
}
