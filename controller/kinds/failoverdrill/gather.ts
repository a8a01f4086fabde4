import { asFault } from '../../../crds/contract/fault.ts'
import type { DrillMemory } from '../../store/drill.ts'
import type { FeedPorts } from '../feed/reconcile.ts'
import type { EvidenceKeeper } from './evidence.ts'
import type { DrillInput } from './input.ts'
import { triggerOf } from './plan.ts'

export type DrillPorts = Pick<
  FeedPorts,
  'clock' | 'store' | 'feeds' | 'tokenOf' | 'problems' | 'reached' | 'onEvent' | 'onStatus'
> & { drills: DrillTools }

/** What only drills need. */
export type DrillTools = {
  /** Which life of the controller this is: another one has begun what it finds under way. */
  life: string
  evidence: EvidenceKeeper
  /** Has a feed looked at now. */
  wakeFeed: (key: string) => void
}

/** Does every read that a decision needs. The feed itself is asked only while a drill is under way, or where one shall begin. */
export async function gather(key: string, ports: DrillPorts, signal: AbortSignal): Promise<DrillInput> {
  const { store, clock } = ports
  const [namespace = '', name = ''] = key.split('/')
  const declared = store.declared.get('FailoverDrill', key)
  const memory: DrillMemory = store.drills.get(key) ?? { since: clock.now(), requests: {}, results: [], proven: [] }
  const feedKey = memory.run?.feed ?? `${namespace}/${declared?.resource.spec.feedRef}`
  const now = clock.now()
  const isAsked = memory.run !== undefined || triggerOf({ declared, memory, now }) !== undefined
  const rival = store.drills.underWay(feedKey)?.drill
  return {
    ...{ key, life: ports.drills.life, declared, memory },
    problems: ports
      .problems()
      .filter(
        one => one.severity === 'error' && one.kind === 'FailoverDrill' && one.namespace === namespace && one.name === name,
      ),
    feed: store.declared.get('Feed', feedKey),
    feedStatus: store.status.get('Feed', feedKey) ?? {},
    feedMemory: store.memory.get(feedKey),
    rival: rival === key ? undefined : rival,
    report: isAsked ? await ask(feedKey, ports, signal) : undefined,
    // One whose time comes in the middle of a look that did not ask begins with the next.
    now: isAsked ? clock.now() : now,
  }
}

async function ask(feed: string, { store, feeds, tokenOf }: DrillPorts, signal: AbortSignal): Promise<DrillInput['report']> {
  const endpoint = store.status.get('Feed', feed)?.endpoint
  if (endpoint === undefined) return undefined
  try {
    return await feeds.report(endpoint, tokenOf(feed), signal)
  } catch (error) {
    return { fault: asFault(error) }
  }
}
