import { type Decision, idle, type Note, normal, type Step, warning } from './decision.ts'
import { type FeedInput, isRunning } from './input.ts'
import { leftOvers } from './repair.ts'

/**
 * `spec.state: Stopped`: whatever runs of the feed is stopped, which lets it unsubscribe, close its gate and keep its position. The container
 * that served is kept, so that a start needs neither registry nor secrets; a rollout in progress is given up, and begins anew with the start.
 */
export function planStop(input: FeedInput, notes: Note[]): Decision {
  const { rollout: _givenUp, stop: before, ...memory } = input.memory
  const steps = [...stops(input), ...leftOvers(input, memory.serving ? [memory.serving.container] : [])]
  const isReached = steps.length === 0 && isSeen(input)
  const since = before?.since ?? input.now
  const stop = isReached || before?.reached ? { since, reached: true as const } : { since }
  const told = [
    ...(before ? [] : [normal('Stopping', stopping)]),
    ...(isReached && !before?.reached ? [normal('Stopped', stopped)] : []),
  ]
  return { ...idle({ ...memory, stop }), steps, notes: [...notes, ...told], outcomes: repairsOf(input, steps) }
}

/** What is declared Running again is told, and its start is no repair. */
export function withStart(decision: Decision, input: FeedInput): Decision {
  const { stop, ...memory } = decision.memory
  if (!stop) return decision
  const outcomes = decision.outcomes.filter(({ reason }) => reason !== 'Repaired')
  return { ...decision, memory, outcomes, notes: [normal('Starting', startText(input)), ...decision.notes] }
}

/** Whether a feed that is declared Stopped has been seen to be so. */
export function isStopped({ memory }: Pick<Decision, 'memory'>, input: FeedInput): boolean {
  return memory.stop?.reached === true && stops(input).length === 0 && isSeen(input)
}

const stopping = 'spec.state is Stopped: the feed unsubscribes and ends in order'
const stopped = 'nothing of the feed runs; its container is kept'

const startText = ({ memory: { stop } }: FeedInput) =>
  `spec.state is Running again, after ${new Date(stop?.since ?? 0).toISOString()}`

function stops({ engines }: FeedInput): Step[] {
  return [...engines].flatMap(([host, { workloads }]) =>
    workloads
      .filter(isRunning)
      .map(({ name }): Step => ({ action: 'Stop', host, container: name, reason: `${name} runs, and spec.state is Stopped` })),
  )
}

/** What a host that does not answer runs is not known. One that is no longer declared is the operator's word that it is gone. */
function isSeen({ engines }: FeedInput): boolean {
  return [...engines.values()].every(({ fault, declared }) => fault === undefined || !declared)
}

/** After the stop, somebody has started it. */
function repairsOf({ memory: { stop } }: FeedInput, steps: Step[]): Note[] {
  const drifted = stop?.reached ? steps.find(({ action }) => action === 'Stop') : undefined
  return drifted ? [warning('Repaired', drifted.reason)] : []
}
