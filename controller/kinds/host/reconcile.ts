import { asFault, type Fault } from '../../../crds/contract/fault.ts'
import type { Status } from '../../../crds/kinds.ts'
import type { EngineRegistry } from '../../engines/registry.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Result } from '../../runtime/result.ts'
import type { Store } from '../../store/store.ts'
import { conditionsOf, isTrue, type NewCondition } from '../condition.ts'

type Ports = { clock: Clock; store: Store; engines: EngineRegistry; onStatus: (key: string) => void }

/**
 * A Host is Ready when its engine answers. Owns `Ready`, and `Stalled` while only another declaration helps, such as other TLS files;
 * an engine that is merely away is asked again.
 */
export async function reconcileHost(
  key: string,
  { clock, store, engines, onStatus }: Ports,
  signal: AbortSignal,
): Promise<Result> {
  const declared = store.declared.get('Host', key)
  if (!declared) {
    store.status.remove('Host', key)
    return { type: 'gone' }
  }
  const previous = store.status.get('Host', key)
  const look = await askEngine(async () => (await engines.of(declared)).engine.version(signal))
  const [namespace] = key.split('/')
  const feeds = store.declared
    .list('Feed')
    .filter(
      ({ resource }) => resource.metadata.namespace === namespace && resource.spec.hostRef === declared.resource.metadata.name,
    )
  const conditions = conditionsOf(look.conditions, previous?.conditions, clock.now(), declared.generation)
  const isFinal = isTrue(conditions, 'Ready') || isTrue(conditions, 'Stalled')
  const status: Status<'Host'> = {
    ...(look.version !== undefined && { engineVersion: look.version }),
    feeds: feeds.length,
    conditions,
    observedGeneration: isFinal ? declared.generation : (previous?.observedGeneration ?? 0),
  }
  if (store.status.put('Host', key, status)) onStatus(key)
  if (!look.fault) return { type: 'done' }
  return { type: look.fault.class === 'stalled' ? 'stalled' : 'error', fault: look.fault }
}

type Look = { version?: string; fault?: Fault; conditions: NewCondition[] }

async function askEngine(version: () => Promise<string>): Promise<Look> {
  try {
    const answer = await version()
    return { version: answer, conditions: [{ type: 'Ready', status: 'True', reason: 'EngineAnswers', message: answer }] }
  } catch (error) {
    const fault = asFault(error)
    const { reason, message } = fault
    const stalled: NewCondition[] = fault.class === 'stalled' ? [{ type: 'Stalled', status: 'True', reason, message }] : []
    return { fault, conditions: [{ type: 'Ready', status: 'False', reason, message }, ...stalled] }
  }
}
