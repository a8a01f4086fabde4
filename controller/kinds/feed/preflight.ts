import type { Launch } from '../../../crds/contract/desired.ts'
import { type Decision, idle, normal, warning } from './decision.ts'
import { type FeedInput, findRevision, isDeclaredStopped, isRunning, type Violation } from './input.ts'

/** How often a live feed that is no go is looked at, in ms: fronts are switched on before a session, and nobody hints at that. */
const noGoIntervalMs = 5000

/** Whether ticks come from a real front. Replays and simulators are started whatever the state of the world. */
export function isLive(gateway: Launch['gateway'] | undefined): boolean {
  return gateway?.type === 'ctp'
}

/**
 * Whether a start that begins now would be one out of nothing: the first one, or the one after a declared stop. A process that drift or a crash
 * has taken from a feed that serves comes back without a question.
 */
export function startsFromNothing({ declared, engines, memory }: Omit<FeedInput, 'preflight'>): boolean {
  if (!declared || declared.resource.spec.suspend || isDeclaredStopped({ declared })) return false
  const runs = [...engines.values()].some(({ workloads }) => workloads.some(isRunning))
  return !runs && (memory.serving === undefined || memory.stop !== undefined || memory.noGo !== undefined)
}

/**
 * A live feed is started only on go. What would create or start something is left undone, and the feed says why; a rollout does not begin, so
 * that its deadline does not run. Everything else, such as the pull of its image, goes on.
 */
export function withPreflight(decision: Decision, input: FeedInput): Decision {
  const { noGo: before, ...memory } = decision.memory
  const starts = decision.steps.some(({ action }) => action === 'Create' || action === 'Start')
  const violation = input.preflight && startsFromNothing(input) ? firstNoGo(input) : undefined
  if (violation && starts) return refuse(input, violation)
  if (!before || !starts) return decision
  return { ...decision, memory, notes: [normal('PreflightGo', 'every check of the start is passed now'), ...decision.notes] }
}

function refuse(input: FeedInput, violation: Violation): Decision {
  const { memory } = input
  const isTold = memory.noGo?.message === violation.message
  const noGo = { since: memory.noGo?.since ?? input.now, message: violation.message }
  const revision = findRevision(input, memory.rollout?.revision ?? memory.serving?.revision)
  return {
    ...idle({ ...memory, noGo }, { why: 'held', revision, violation }),
    notes: isTold ? [] : [warning('PreflightNoGo', violation.message)],
    wakeMs: noGoIntervalMs,
  }
}

type Check = (input: FeedInput) => { message: string; path: string } | undefined

/** What the controller can tell by itself before a process runs; `feedctl preflight` has the whole list. */
const checks: Check[] = [secretsComplete, frontsReachable]

function firstNoGo(input: FeedInput): Violation | undefined {
  for (const check of checks) {
    const found = check(input)
    if (found) return { class: 'waiting', reason: 'PreflightNoGo', message: `not started: ${found.message}`, path: found.path }
  }
  return undefined
}

/** Of both accounts, and of the bus: a standby that cannot log in is none. */
function secretsComplete({ secrets }: FeedInput): ReturnType<Check> {
  for (const [owner, view] of Object.entries(secrets))
    if (view && 'fault' in view)
      return { message: `${view.fault.reason} of ${owner}: ${view.fault.message}`, path: `spec.credentials.${owner}` }
  return undefined
}

/** One front of the account that shall publish is enough: the gateway tries them all. */
function frontsReachable({ declared, preflight }: FeedInput): ReturnType<Check> {
  const active = declared?.resource.spec.credentials.active
  const own = preflight?.fronts.filter(({ account }) => account === active) ?? []
  if (own.length === 0 || own.some(({ error }) => error === undefined)) return undefined
  const tried = own.map(({ address, error }) => `${address} (${error})`).join(', ')
  const todo = 'see whether it is switched on and the way there, or set spec.preflight: Advisory'
  return { message: `no front of ${active} takes a connection: ${tried}: ${todo}`, path: 'spec.profileRef' }
}
