import type { Status } from '../../crds/kinds.ts'
import type { StackSpec } from '../../crds/stack.ts'
import type { ResourceView } from '../api/contract.ts'
import { conditionOf, isTrue, markOf, type State } from './health.ts'
import { renderTable } from './table.ts'

export type StackView = ResourceView & { spec: StackSpec; status: Status<'Stack'> }

export function asStack(view: ResourceView): StackView {
  return view as StackView
}

/** How a Stack is, in the same words as a feed. */
export function stateOfStack(stack: StackView): State {
  if (isTrue(stack, 'Stalled')) return 'Stalled'
  if (stack.spec.suspend) return 'Suspended'
  const ready = conditionOf(stack, 'Ready')
  if (ready === undefined) return 'Unknown'
  if (ready.status === 'True') return 'Ready'
  return isTrue(stack, 'Reconciling') ? 'Progressing' : 'NotReady'
}

/** Stacks, a line each; empty where there is none. */
export function renderStacks(stacks: StackView[], colour: boolean): string {
  if (stacks.length === 0) return ''
  const rows = stacks.map(stack => [
    markOf(stateOfStack(stack), colour),
    `${stack.metadata.namespace}/${stack.metadata.name}`,
    stack.status.project ?? '-',
    stack.status.ready ?? '-',
    stateOfStack(stack) === 'Ready' ? '' : (conditionOf(stack, 'Ready')?.message ?? ''),
  ])
  return renderTable(['STATE', 'STACK', 'PROJECT', 'SERVICES', 'MESSAGE'], rows)
}

export const serviceHeader = ['SERVICE', 'READY', 'STATE', 'HEALTH', 'HASH', 'CONTAINER', 'IMAGE', 'MESSAGE']

/** The services of a Stack; where the container is not as it is declared, both hashes. */
export function serviceRows({ status: { services = [] } }: StackView): string[][] {
  return services.map(({ name, ready, state, health, desiredHash, runningHash, container, image, message }) => [
    name,
    ready ? '✓' : '✗',
    state,
    health,
    runningHash === undefined || runningHash === desiredHash
      ? desiredHash.slice(0, 12)
      : `${runningHash.slice(0, 12)} -> ${desiredHash.slice(0, 12)}`,
    container ?? '-',
    image ?? '-',
    message ?? '',
  ])
}
