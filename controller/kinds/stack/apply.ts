import type { EngineAddress } from '../../compose/command.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { StackStep } from './decision.ts'
import { untilEdited } from './edit.ts'
import { addressOf, declarationOf, type StackPorts } from './gather.ts'
import type { StackInput } from './input.ts'

/** Carries the steps out, in order; the first that fails ends it, and the next look decides anew. */
export async function apply(steps: StackStep[], input: StackInput, ports: StackPorts, signal: AbortSignal): Promise<void> {
  for (const step of steps) {
    const engine = addressOf(step.placement.host, ports)
    if (engine instanceof Error) throw engine
    ports.stacks.onStep(input.key, step)
    await carryOut(step, engine, input, ports, signal)
  }
}

async function carryOut(
  step: StackStep,
  engine: EngineAddress,
  input: StackInput,
  ports: StackPorts,
  signal: AbortSignal,
): Promise<void> {
  const { declared } = input
  const { stacks } = ports
  const compose = stacks.compose(step.placement.host)
  switch (step.action) {
    case 'ComposeUp': {
      if (!declared) return
      const timeoutMs = millisecondsOf(declared.resource.spec.timeout)
      return untilEdited(input, ports, signal, either =>
        compose.up(engine, declarationOf(declared), step.services, timeoutMs, either),
      )
    }
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
