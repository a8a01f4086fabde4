import { asFault, type Fault } from '../../../crds/contract/fault.ts'
import type { EngineAddress } from '../../compose/command.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { StackStep } from './decision.ts'
import { Edited, untilEdited } from './edit.ts'
import { addressOf, declarationOf, type StackPorts } from './gather.ts'
import type { StackInput } from './input.ts'

/** Steps that were carried out, and what the first of the others failed with: a Fault, or `Edited`. */
export type Applied = { done: StackStep[]; failure: Fault | Edited | undefined }

/** Carries the steps out, in order. One that fails ends those that rest on it, and the next look decides anew. Never rejects. */
export async function apply(steps: StackStep[], input: StackInput, ports: StackPorts, signal: AbortSignal): Promise<Applied> {
  const done: StackStep[] = []
  let failed: { step: StackStep; fault: Fault } | undefined
  for (const step of steps) {
    if (failed && !goesOn(step, failed)) continue
    try {
      await begin(step, input, ports, signal)
      done.push(step)
    } catch (error) {
      if (error instanceof Edited) return { done, failure: error }
      failed ??= { step, fault: asFault(error) }
    }
    if (signal.aborted) break
  }
  return { done, failure: failed?.fault }
}

/** Failures of bringing services up whose cause may be what is to be removed: a port, a name or an address that it has. */
const inTheWay = ['PortTaken', 'ComposeFailed']

/**
 * A service that is unwell may be what keeps others from coming up, or have nothing to do with them. Nothing is removed for what could not
 * be begun, such as an image that is not to be had.
 */
function goesOn(step: StackStep, { step: { action, placement }, fault }: { step: StackStep; fault: Fault }): boolean {
  if (step.action === 'RemoveNetworks') return false
  if (step.action !== 'Prune') return true
  return action === 'ComposeUp' && placement.host === step.placement.host && inTheWay.includes(fault.reason)
}

async function begin(step: StackStep, input: StackInput, ports: StackPorts, signal: AbortSignal): Promise<void> {
  const engine = addressOf(step.placement.host, ports)
  if (engine instanceof Error) throw engine
  ports.stacks.onStep(input.key, step)
  await carryOut(step, engine, input, ports, signal)
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
