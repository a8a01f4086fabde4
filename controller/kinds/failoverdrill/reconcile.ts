import { asFault } from '../../../crds/contract/fault.ts'
import packageJson from '../../../package.json' with { type: 'json' }
import type { Result } from '../../runtime/result.ts'
import { warning } from '../feed/decision.ts'
import type { DrillDecision } from './decision.ts'
import { type DrillPorts, gather } from './gather.ts'
import type { DrillInput } from './input.ts'
import { plan } from './plan.ts'
import { summarize } from './summarize.ts'

/** Brings one drill further: gather, plan, keep what it has shown, persist, wake the feed, summarize. */
export async function reconcileFailoverDrill(key: string, ports: DrillPorts, signal: AbortSignal): Promise<Result> {
  const input = await gather(key, ports, signal)
  const planned = plan(input)
  if (planned.gone) return forget(key, ports)
  // The feed may have begun something while it was asked: nothing is awaited between this look and the write.
  if (planned.begins && hasChanged(input, ports)) return { type: 'after', delayMs: 0 }
  const decision = withEvidence(planned, input, ports)
  const { store, clock, onEvent, onStatus } = ports
  store.drills.put(key, decision.memory)
  for (const note of decision.notes) onEvent({ at: clock.now(), ...note, kind: 'FailoverDrill', key })
  const { run } = decision.memory
  if (run) await ports.reached?.(key, `drill/${run.phase}`)
  const feed = run?.feed ?? decision.ended?.run?.feed
  if (decision.wakesFeed && feed !== undefined) ports.drills.wakeFeed(feed)
  const status = summarize(input, decision.memory, store.status.get('FailoverDrill', key))
  if (store.status.put('FailoverDrill', key, status)) onStatus(key)
  return { type: 'after', delayMs: decision.wakeMs }
}

function hasChanged({ feed, feedMemory, memory }: DrillInput, { store }: DrillPorts): boolean {
  if (!feed || memory.run) return true
  const { namespace, name } = feed.resource.metadata
  const key = `${namespace}/${name}`
  const isFeedOther = store.declared.get('Feed', key)?.generation !== feed.generation
  return (
    isFeedOther ||
    JSON.stringify(store.memory.get(key)) !== JSON.stringify(feedMemory) ||
    store.drills.underWay(key) !== undefined
  )
}

/** The file comes first: where the controller dies before the result is persisted, the next life writes it again. */
function withEvidence(decision: DrillDecision, input: DrillInput, { drills }: DrillPorts): DrillDecision {
  const { ended, memory } = decision
  const declared = input.declared
  if (!ended) return decision
  const { report, feedStatus, key } = input
  const content = {
    drill: key,
    controller: packageJson.version,
    spec: declared?.resource.spec,
    ...ended,
    feed: { report, feedStatus },
  }
  try {
    // What is no longer declared says no limit either: its evidence stays.
    const limit = declared?.resource.spec.historyLimit ?? Number.POSITIVE_INFINITY
    const path = drills.evidence.keep(key, ended.result.id, content, limit)
    const results = [...memory.results.slice(0, -1), { ...ended.result, evidence: path }]
    return { ...decision, memory: { ...memory, results } }
  } catch (error) {
    const note = warning('EvidenceUnwritten', `${ended.result.id}: ${asFault(error).message}`)
    return { ...decision, notes: [...decision.notes, note] }
  }
}

function forget(key: string, { store, onStatus }: DrillPorts): Result {
  if (store.drills.get(key) === undefined && store.status.get('FailoverDrill', key) === undefined) return { type: 'gone' }
  store.drills.remove(key)
  store.status.remove('FailoverDrill', key)
  onStatus(key)
  return { type: 'gone' }
}
