import type { ComposeContainer } from '../../compose/container.ts'
import type { Placement, StackMemory } from '../../store/stack.ts'
import type { Note } from '../feed/decision.ts'
import type { Trouble } from './checks.ts'
import type { Judgement } from './judgement.ts'

/** One write. Every step says why, and `feedctl diff` prints exactly these. */
export type StackStep = { reason: string; placement: Placement } & (
  | { action: 'ComposeUp'; services: string[] }
  | { action: 'Restart' | 'Prune'; containers: ComposeContainer[] }
  | { action: 'Reload'; containers: ComposeContainer[]; signal: string }
  | { action: 'RemoveNetworks' }
)

/** What a look at a Stack came to. `memory` is persisted before the first step, `afterwards` when all have been carried out. */
export type StackDecision = {
  trouble: Trouble | undefined
  judgements: Judgement[]
  memory: StackMemory
  steps: StackStep[]
  afterwards: StackMemory
  /** Told when all steps have been carried out. */
  outcomes: Note[]
  /** Look again after so many ms although nothing is left to do now. */
  wakeMs: number | undefined
  /** No longer declared, and nothing is left to do about it. */
  gone: boolean
}

/** What a step is done to, in a word for people. */
export function targetOf(step: StackStep): string {
  if (step.action === 'ComposeUp') return step.services.join(', ')
  return step.action === 'RemoveNetworks' ? step.placement.project : step.containers.map(({ name }) => name).join(', ')
}
