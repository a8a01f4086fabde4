import type { Status } from '../../../crds/kinds.ts'
import type { Catalogues } from '../../consistency/catalogue.ts'
import { type InstrumentProblem, resolveInstruments } from '../../consistency/instruments.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Result } from '../../runtime/result.ts'
import type { Store } from '../../store/store.ts'
import { conditionsOf, type NewCondition } from '../condition.ts'

type Ports = { clock: Clock; store: Store; catalogues: (names: string[]) => Promise<Catalogues>; onStatus: (key: string) => void }

/** A SubscriptionSet is Ready when all that it names and selects is in its catalogue. */
export async function reconcileSubscriptionSet(key: string, { clock, store, catalogues, onStatus }: Ports): Promise<Result> {
  const declared = store.declared.get('SubscriptionSet', key)
  if (!declared) {
    store.status.remove('SubscriptionSet', key)
    return { type: 'gone' }
  }
  const previous = store.status.get('SubscriptionSet', key)
  const { spec } = declared.resource
  const { count, problems } = resolveInstruments([spec], await catalogues([spec.catalogue]))
  const error = problems.find(({ severity }) => severity === 'error')
  const conditions = error ? refused(error) : accepted(count)
  const status: Status<'SubscriptionSet'> = {
    instruments: count,
    conditions: conditionsOf(conditions, previous?.conditions, clock.now(), declared.generation),
    observedGeneration: declared.generation,
  }
  if (store.status.put('SubscriptionSet', key, status)) onStatus(key)
  return { type: 'done' }
}

function accepted(count: number): NewCondition[] {
  return [{ type: 'Ready', status: 'True', reason: 'Resolved', message: `${count} instruments` }]
}

function refused({ reason, message, hint }: InstrumentProblem): NewCondition[] {
  const text = `${message}: ${hint}`
  return [
    { type: 'Ready', status: 'False', reason, message: text },
    { type: 'Stalled', status: 'True', reason, message: text },
  ]
}
