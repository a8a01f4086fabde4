import type { Compose } from '../../compose/compose.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { StackStep } from './decision.ts'
import { addressOf, declarationOf, type StackPorts } from './gather.ts'
import type { StackInput } from './input.ts'

/** Carries the steps out, in order; the first that fails ends it, and the next look decides anew. */
export async function apply(steps: StackStep[], input: StackInput, ports: StackPorts, signal: AbortSignal): Promise<void> {
  for (const step of steps) {
    ports.stacks.onStep(input.key, step)
    const engine = addressOf(step.placement.host, ports)
    if (engine instanceof Error) throw engine
    await carryOut(step, ports.stacks.compose(step.placement.host))
  }

  async function carryOut(step: StackStep, compose: Compose): Promise<void> {
    const engine = addressOf(step.placement.host, ports)
    if (engine instanceof Error) throw engine
    switch (step.action) {
      case 'ComposeUp':
        return input.declared && compose.up(engine, declarationOf(input.declared), step.services, timeoutOf(input), signal)
      case 'Restart':
        return compose.restart(engine, step.containers, signal)
      case 'Reload':
        return compose.signal(engine, step.containers, step.signal, signal)
      case 'Prune':
        return compose.remove(engine, step.containers, signal)
      case 'RemoveNetworks':
        return compose.removeNetworks(engine, step.placement.project, signal)
    }
  }
}

const timeoutOf = ({ declared }: StackInput): number => millisecondsOf(declared?.resource.spec.timeout ?? '10m')
