import { asFault } from '../../../crds/contract/fault.ts'
import type { Status } from '../../../crds/kinds.ts'
import type { EngineRegistry } from '../../engines/registry.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Result } from '../../runtime/result.ts'
import type { Store } from '../../store/store.ts'
import { conditionsOf, isTrue } from '../condition.ts'

type Ports = { clock: Clock; store: Store; engines: EngineRegistry; onStatus: (key: string) => void }

/** A Host is Ready when its engine answers. Owns the condition `Ready`; while the engine does not answer also `Stalled`, never. */
export async function reconcileHost(
  key: string,
  { clock, store, engines, onStatus }: Ports,
  signal: AbortSignal,
): Promise<Result> {
  const declared = store.declared.get('Host', key)
  if (!declared) {
    store.status.remove('Host', key)
    return { type: 'done' }
  }
  const previous = store.status.get('Host', key)
  const look = await askEngine(async () => (await engines.of(declared)).engine.version(signal))
  const [namespace] = key.split('/')
  const feeds = store.declared
    .list('Feed')
    .filter(
      ({ resource }) => resource.metadata.namespace === namespace && resource.spec.hostRef === declared.resource.metadata.name,
    )
  const conditions = conditionsOf([look.condition], previous?.conditions, clock.now(), declared.generation)
  const status: Status<'Host'> = {
    ...(look.version !== undefined && { engineVersion: look.version }),
    feeds: feeds.length,
    conditions,
    observedGeneration: isTrue(conditions, 'Ready') ? declared.generation : (previous?.observedGeneration ?? 0),
  }
  if (store.status.put('Host', key, status)) onStatus(key)
  return look.fault ? { type: 'error', fault: look.fault } : { type: 'done' }
}

async function askEngine(version: () => Promise<string>) {
  try {
    const answer = await version()
    return { version: answer, condition: { type: 'Ready', status: 'True', reason: 'EngineAnswers', message: answer } } as const
  } catch (error) {
    const fault = asFault(error)
    return {
      fault,
      version: undefined,
      condition: { type: 'Ready', status: 'False', reason: fault.reason, message: fault.message },
    } as const
  }
}
