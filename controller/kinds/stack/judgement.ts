import type { StackSpec } from '../../../crds/stack.ts'
import type { ComposeContainer } from '../../compose/container.ts'
import type { ComposeService } from '../../compose/project.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { Repair, StackMemory } from '../../store/stack.ts'

/** What one service is seen to be, and what it needs. */
export type Judgement = {
  service: ComposeService
  containers: ComposeContainer[]
  ready: boolean
  /** Of the container that is worst. */
  state: string
  health: ComposeContainer['health']
  /** Why it is not ready. */
  message?: string
  /** On its way by itself: its health check has not passed yet. */
  starting?: boolean
  /** What to do about it, and why; `dueAt` where that must wait, in ms since 1970. */
  need?: { act: 'up' | 'restart'; reason: string; dueAt: number }
}

/** First wait after a repair before the next one, for what stops by itself; it doubles up to this many times. */
const repairMs = 10_000
const maxDoublings = 5

/** A service that has been well for so long since its last repair is mended, in ms. */
export const mendedMs = 60_000

export function judge(service: ComposeService, containers: ComposeContainer[], around: Around): Judgement {
  const seen = { service, containers, state: 'missing', health: 'none' as const, ready: false, ...stateOf(containers) }
  const reason = mismatchOf(service, containers, around.memory)
  if (reason === undefined) return { ...seen, ...conditionOf(service, containers, around) }
  return { ...seen, message: reason, need: { act: 'up', reason, dueAt: 0 } }
}

export type Around = { memory: StackMemory; spec: Pick<StackSpec, 'unhealthyAfter'>; now: number }

/** The label that a container of the service has when it is as declared. */
export function runningHashOf({ name, hash, digest }: ComposeService, { accepted }: Pick<StackMemory, 'accepted'>): string {
  const known = accepted[name]
  return known?.digest === digest ? known.hash : hash
}

/** How what is there differs from what is declared. */
function mismatchOf(service: ComposeService, containers: ComposeContainer[], memory: StackMemory): string | undefined {
  const { replicas, hash } = service
  if (containers.length === 0 && replicas > 0) return 'there is no container'
  if (containers.length !== replicas) return `${containers.length} of ${replicas} containers are there`
  const other = containers.find(container => container.hash !== runningHashOf(service, memory))
  return other && `it is declared otherwise: ${short(other.hash)} -> ${short(hash)}`
}

const short = (hash: string): string => hash.slice(0, 12) || 'none'

const order = ['dead', 'exited', 'removing', 'created', 'paused', 'restarting', 'running']

function worstOf(containers: ComposeContainer[]): ComposeContainer | undefined {
  const rank = ({ state, health }: ComposeContainer) =>
    order.indexOf(state) * 10 + ['unhealthy', 'starting', 'none', 'healthy'].indexOf(health)
  return containers.toSorted((a, b) => rank(a) - rank(b))[0]
}

function stateOf(containers: ComposeContainer[]): Partial<Pick<Judgement, 'state' | 'health'>> {
  const worst = worstOf(containers)
  return worst ? { state: worst.state, health: worst.state === 'running' ? worst.health : 'none' } : {}
}

function conditionOf(service: ComposeService, containers: ComposeContainer[], around: Around): Partial<Judgement> {
  const worst = worstOf(containers)
  const repair = around.memory.repairs[service.name]
  if (!worst) return { ready: true }
  if (worst.state === 'running') return runningOf(worst, repair, around)
  if (worst.state === 'exited' && worst.exitCode === 0 && service.restart === 'no') return { ready: true, state: 'completed' }
  if (worst.state === 'restarting') return { message: `it ends with ${worst.exitCode}, and the engine starts it again` }
  if (worst.state === 'paused') return { message: 'it is paused: `docker unpause` it' }
  const message = worst.state === 'exited' ? `it has ended with ${worst.exitCode}` : `its container is ${worst.state}`
  return { message, need: { act: 'up', reason: message, dueAt: dueAt(repair, repairMs) } }
}

function runningOf({ health }: ComposeContainer, repair: Repair | undefined, { spec, now }: Around): Partial<Judgement> {
  if (health === 'healthy' || health === 'none') return { ready: true }
  if (health === 'starting') return { message: 'its health check has not passed yet', starting: true }
  const message = 'its health check fails'
  const patienceMs = millisecondsOf(spec.unhealthyAfter)
  const patient = (repair?.unhealthySince ?? now) + patienceMs
  return { message, need: { act: 'restart', reason: message, dueAt: Math.max(patient, dueAt(repair, patienceMs)) } }
}

/** When the next repair may be: at once after none, and each time twice as long after the last one. */
function dueAt(repair: Repair | undefined, firstMs: number): number {
  if (!repair || repair.count === 0) return 0
  return repair.at + firstMs * 2 ** Math.min(repair.count - 1, maxDoublings)
}
