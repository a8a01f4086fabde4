import type { Status } from '../../../crds/kinds.ts'
import type { StackService } from '../../../crds/stack.ts'
import type { StackMemory } from '../../store/stack.ts'
import { conditionsOf, isTrue, type NewCondition } from '../condition.ts'
import type { Trouble } from './checks.ts'
import type { StackDecision } from './decision.ts'
import { type StackInput, servicesIn } from './input.ts'
import { type Judgement, runningHashOf } from './judgement.ts'
import { isUnmanaged } from './selection.ts'

/** The status of a Stack after a look at it. The only place that makes one. */
export function summarize(input: StackInput, decision: StackDecision, previous: Status<'Stack'> | undefined): Status<'Stack'> {
  const { declared, now, composeVersion, memory } = input
  const { judgements } = decision
  const generation = declared?.generation ?? 0
  const conditions = conditionsOf(standing(input, decision), previous?.conditions, now, generation)
  const isFinal = isTrue(conditions, 'Ready') || isTrue(conditions, 'Stalled')
  const observedGeneration = isFinal ? generation : previous?.observedGeneration
  // While the files cannot be read, or the engine does not answer, what was seen last is the best that is known.
  const services = judgements.length > 0 ? judgements.map(judgement => serviceOf(judgement, memory)) : (previous?.services ?? [])
  const unmanaged = servicesIn(input).filter(isUnmanaged)
  return {
    ...(observedGeneration !== undefined && { observedGeneration }),
    conditions,
    ...(declared && { project: declared.resource.spec.project }),
    ...(composeVersion !== undefined && { composeVersion }),
    ready: `${services.filter(({ ready }) => ready).length}/${services.length}`,
    services,
    ...(unmanaged.length > 0 && { unmanaged: unmanaged.map(({ name }) => name) }),
  }
}

function serviceOf({ service, containers, ready, state, health, message }: Judgement, memory: StackMemory): StackService {
  const [container] = containers
  const image = container?.image ?? service.image
  return {
    ...{ name: service.name, ready, state, health, desiredHash: runningHashOf(service, memory) },
    ...(container && { runningHash: container.hash, container: container.name }),
    ...(image !== undefined && { image }),
    ...(message !== undefined && { message }),
  }
}

/**
 * `Ready`: every service runs as declared and is well. `Reconciling` on the way there, `Stalled` where only an edit helps; `SourceValid`: the
 * files are in force as they are.
 */
function standing(input: StackInput, { trouble, judgements, steps }: StackDecision): NewCondition[] {
  if (trouble) return [...troubled(trouble), sourceValid(trouble)]
  const unready = judgements.filter(({ ready }) => !ready)
  const message = unready.map(({ service, message: why }) => `${service.name}: ${why}`).join('; ')
  if (!input.declared || steps.length > 0 || unready.some(({ need, starting }) => starting || need?.act === 'up'))
    return [...progressing(message || steps.map(({ reason }) => reason).join('; ')), sourceValid(undefined)]
  if (unready.length > 0) return [{ type: 'Ready', status: 'False', reason: 'ServicesNotReady', message }, sourceValid(undefined)]
  if (input.declared.resource.spec.suspend)
    return [
      { type: 'Ready', status: 'Unknown', reason: 'Suspended', message: 'spec.suspend is true: changes wait' },
      sourceValid(undefined),
    ]
  const all = `${judgements.length} ${judgements.length === 1 ? 'service runs' : 'services run'} as declared`
  return [{ type: 'Ready', status: 'True', reason: 'ServicesReady', message: all }, sourceValid(undefined)]
}

function progressing(message: string): NewCondition[] {
  return [
    { type: 'Ready', status: 'Unknown', reason: 'Converging', message },
    { type: 'Reconciling', status: 'True', reason: 'Converging', message },
  ]
}

function troubled({ class: faultClass, reason, message }: Trouble): NewCondition[] {
  const type = faultClass === 'stalled' ? 'Stalled' : 'Reconciling'
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type, status: 'True', reason, message },
  ]
}

function sourceValid(trouble: Trouble | undefined): NewCondition {
  if (!trouble?.source)
    return { type: 'SourceValid', status: 'True', reason: 'Read', message: 'the files are in force as they are' }
  const { reason, message } = trouble
  return { type: 'SourceValid', status: 'False', reason, message: `${message}; what runs is left as it is` }
}
