import { asFault, type Fault, stalled, transient } from '../../../crds/contract/fault.ts'
import type { Result } from '../../runtime/result.ts'
import type { NewEvent } from '../../store/event.ts'
import { apply } from './apply.ts'
import type { Decision, Step } from './decision.ts'
import { withOutcome } from './failure.ts'
import { gather } from './gather.ts'
import type { FeedInput } from './input.ts'
import { plan } from './plan.ts'
import type { ReadPorts, TokenOf } from './ports.ts'
import { summarize } from './summarize.ts'

/** After a write the feed is looked at again this soon, in ms: what was asked for is believed when it is seen. */
const verifyMs = 10

export type FeedPorts = ReadPorts & {
  tokenOf: TokenOf
  /** Told of each step before it is carried out. */
  onStep: (key: string, step: Step) => void
  onEvent: (event: NewEvent) => void
  onStatus: (key: string) => void
}

/** Brings one feed nearer to what is declared: gather, plan, persist, apply, summarize. */
export async function reconcileFeed(key: string, ports: FeedPorts, signal: AbortSignal): Promise<Result> {
  const input = await gather(key, ports, ports.tokenOf, signal)
  const decision = plan(input)
  if (decision.orphaned) return leave(key, decision, ports)
  if (decision.gone) return depart(decision, input, ports, signal)
  persist(key, decision, ports)
  if (decision.memory.rollout) await ports.reached?.(key, decision.memory.rollout.phase)
  const fault = await tryApply(decision, input, ports, signal)
  const changed = ports.store.status.put('Feed', key, summarize(input, decision, fault))
  if (changed) ports.onStatus(key)
  return resultOf(input, decision, fault)
}

/** What was decided is on disk before the first step, all of it or nothing. */
function persist(key: string, { memory, revisions, forgotten, notes }: Decision, { store, clock, onEvent }: FeedPorts): void {
  if (store.memory.differs(key, memory) || revisions.length + forgotten.length > 0)
    store.transaction(() => {
      store.memory.put(key, memory)
      for (const revision of revisions) store.revisions.put(key, revision)
      store.revisions.remove(key, forgotten)
    })
  for (const note of notes) onEvent({ at: clock.now(), ...note, kind: 'Feed', key })
}

async function tryApply(
  { memory, steps, outcomes }: Decision,
  input: FeedInput,
  ports: FeedPorts,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  for (const step of steps) {
    ports.onStep(input.key, step)
    try {
      await apply([step], input, ports, ports.tokenOf, signal)
    } catch (error) {
      const fault = asFault(error)
      ports.store.memory.put(input.key, withOutcome(memory, step, fault))
      ports.onEvent({
        at: ports.clock.now(),
        kind: 'Feed',
        key: input.key,
        type: 'Warning',
        reason: `${step.action}Failed`,
        message: `${fault.reason}: ${fault.message}`,
      })
      return fault
    }
  }
  const last = steps.at(-1)
  if (last) ports.store.memory.put(input.key, withOutcome(memory, last, undefined))
  for (const note of outcomes) ports.onEvent({ at: ports.clock.now(), ...note, kind: 'Feed', key: input.key })
  return undefined
}

function resultOf(input: FeedInput, { aim, memory, steps, proof, wakeMs }: Decision, fault: Fault | undefined): Result {
  if (fault) return fault.class === 'stalled' && !memory.rollout ? { type: 'stalled', fault } : { type: 'error', fault }
  if (steps.length > 0) return { type: 'after', delayMs: verifyMs }
  if (wakeMs !== undefined) return { type: 'after', delayMs: wakeMs }
  // One that hides nothing of what serves, such as the host of a left-over, is asked again with the resync.
  const unreachable = proof ? undefined : [...input.engines.values()].find(view => view.fault && view.declared)?.fault
  if (unreachable) return { type: 'error', fault: unreachable }
  if (aim?.why === 'rolled-back')
    return { type: 'stalled', fault: stalled('RolledBack', `revision ${aim.declared.number} failed`) }
  if (aim?.why === 'held') {
    const { class: faultClass, reason, message } = aim.violation
    return faultClass === 'transient'
      ? { type: 'error', fault: transient(reason, message) }
      : { type: 'stalled', fault: stalled(reason, message) }
  }
  return { type: 'done' }
}

/** The last steps for a feed of which nothing is left; it is forgotten when they are carried out. */
async function depart(decision: Decision, input: FeedInput, ports: FeedPorts, signal: AbortSignal): Promise<Result> {
  if (!isKnown(input.key, ports.store)) return { type: 'gone' }
  const fault = await tryApply(decision, input, ports, signal)
  return fault ? { type: 'error', fault } : forget(input.key, ports)
}

/** What is there is no longer looked after, and has no status. It stays remembered for as long as it is there. */
function leave(key: string, { notes }: Decision, { store, clock, onEvent, onStatus }: FeedPorts): Result {
  for (const note of notes) onEvent({ at: clock.now(), ...note, kind: 'Feed', key })
  if (store.status.get('Feed', key) === undefined) return { type: 'done' }
  store.status.remove('Feed', key)
  onStatus(key)
  return { type: 'done' }
}

function forget(key: string, { store, clock, onEvent, onStatus }: FeedPorts): Result {
  if (!isKnown(key, store)) return { type: 'gone' }
  const revisions = store.revisions.list(key).map(({ number }) => number)
  store.transaction(() => {
    store.revisions.remove(key, revisions)
    store.memory.remove(key)
    store.status.remove('Feed', key)
  })
  onEvent({ at: clock.now(), kind: 'Feed', key, type: 'Normal', reason: 'Removed', message: 'nothing of the feed is left' })
  onStatus(key)
  return { type: 'gone' }
}

function isKnown(key: string, { memory, status }: FeedPorts['store']): boolean {
  return memory.get(key) !== undefined || status.get('Feed', key) !== undefined
}
