import { asFault, Fault } from '../../../crds/contract/fault.ts'
import type { Status } from '../../../crds/kinds.ts'
import type { Result } from '../../runtime/result.ts'
import type { StackMemory } from '../../store/stack.ts'
import { type Note, normal, warning } from '../feed/decision.ts'
import { apply } from './apply.ts'
import type { Trouble } from './checks.ts'
import type { StackDecision, StackStep } from './decision.ts'
import { Edited } from './edit.ts'
import { addressOf, gather, type StackPorts } from './gather.ts'
import { type StackInput, servicesIn } from './input.ts'
import { afterSteps, outcomeOf, plan } from './plan.ts'
import { summarize } from './summarize.ts'

/** Brings one Stack to what is declared: gather, plan, persist, carry out, summarize. */
export async function reconcileStack(key: string, ports: StackPorts, signal: AbortSignal): Promise<Result> {
  const input = await gather(key, ports, signal)
  const decision = plan(input)
  const { store } = ports
  if (decision.gone) return forget(key, ports)
  store.stacks.put(key, decision.memory)
  show(input, decision, ports)
  const { done, failure } = await apply(decision.steps, input, ports, signal)
  if (failure) {
    rememberSome(done, input, decision, ports)
    return failure instanceof Edited ? beginAnew(key, ports) : failed(failure, input, decision, ports)
  }
  try {
    store.stacks.put(key, await accepted(input, decision, ports, signal))
  } catch (error) {
    return failed(asFault(error), input, decision, ports)
  }
  for (const note of decision.outcomes) tell(key, note, ports)
  if (!input.declared && decision.afterwards.placements.length === 0) return forget(key, ports)
  return resultOf(decision)
}

/** What was done although not all of it was is remembered and told: it is not done once more. */
function rememberSome(done: StackStep[], input: StackInput, decision: StackDecision, ports: StackPorts): void {
  ports.store.stacks.put(input.key, afterSteps(input, decision.memory, decision.judgements, done))
  for (const step of done) tell(input.key, outcomeOf(step), ports)
}

function failed(fault: Fault, input: StackInput, decision: StackDecision, ports: StackPorts): Result {
  show(input, { ...decision, trouble: troubleOf(fault) }, ports)
  return { type: 'error', fault }
}

function beginAnew(key: string, ports: StackPorts): Result {
  tell(key, normal('ChangeCutOff', 'something else is declared now: bringing up what was declared before was ended'), ports)
  return { type: 'after', delayMs: 0 }
}

function resultOf({ steps, trouble, wakeMs }: StackDecision): Result {
  if (trouble) {
    const fault = new Fault(trouble.class, trouble.reason, trouble.message)
    return { type: trouble.class === 'transient' ? 'error' : 'stalled', fault }
  }
  if (steps.length > 0) return { type: 'after', delayMs: 0 }
  return wakeMs === undefined ? { type: 'done' } : { type: 'after', delayMs: wakeMs }
}

const troubleOf = ({ class: faultClass, reason, message }: Fault): Trouble => ({
  class: faultClass,
  reason,
  message,
  source: false,
})

/** What Compose has made of what is declared, where its two words for that differ. */
async function accepted(
  input: StackInput,
  decision: StackDecision,
  ports: StackPorts,
  signal: AbortSignal,
): Promise<StackMemory> {
  const up = decision.steps.find(step => step.action === 'ComposeUp')
  const engine = up && addressOf(up.placement.host, ports)
  if (up?.action !== 'ComposeUp' || engine === undefined || engine instanceof Error) return decision.afterwards
  const containers = await ports.stacks.compose(up.placement.host).containers(engine, up.placement.project, signal)
  const others = Object.entries(decision.afterwards.accepted).filter(([name]) => !up.services.includes(name))
  const entries = servicesIn(input)
    .filter(({ name }) => up.services.includes(name))
    .flatMap(({ name, hash, digest }) => {
      const made = containers.find(({ service }) => service === name)
      return made && made.hash !== hash ? [[name, { digest, hash: made.hash }] as const] : []
    })
  return { ...decision.afterwards, accepted: Object.fromEntries([...others, ...entries]) }
}

function show(input: StackInput, decision: StackDecision, ports: StackPorts): void {
  const { store, onStatus } = ports
  const before = store.status.get('Stack', input.key)
  const status = summarize(input, decision, before)
  if (!store.status.put('Stack', input.key, status)) return
  for (const note of notesOf(before, status)) tell(input.key, note, ports)
  onStatus(input.key)
}

function tell(key: string, note: Note, { clock, onEvent }: StackPorts): void {
  onEvent({ at: clock.now(), ...note, kind: 'Stack', key })
}

/** What an operator hears of: trouble that is another one, and services that are no longer well, or well again. */
function notesOf(before: Status<'Stack'> | undefined, after: Status<'Stack'>): Note[] {
  const ready = after.conditions?.find(({ type }) => type === 'Ready')
  const was = before?.conditions?.find(({ type }) => type === 'Ready')
  const isNew = ready?.status === 'False' && (ready.reason !== was?.reason || ready.message !== was.message)
  const trouble = isNew && ready.reason !== 'ServicesNotReady' ? [warning(ready.reason, ready.message)] : []
  const services = (after.services ?? []).flatMap(({ name, ready: isReady, message }) => {
    const earlier = before?.services?.find(service => service.name === name)
    if (earlier === undefined || earlier.ready === isReady) return []
    return [isReady ? normal('ServiceReady', `${name} is well`) : warning('ServiceNotReady', `${name}: ${message}`)]
  })
  return [...trouble, ...services]
}

function forget(key: string, { store, onStatus }: StackPorts): Result {
  if (store.stacks.get(key) === undefined && store.status.get('Stack', key) === undefined) return { type: 'gone' }
  store.stacks.remove(key)
  store.status.remove('Stack', key)
  onStatus(key)
  return { type: 'gone' }
}
