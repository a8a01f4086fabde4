import { type Decision, idle, normal, type Step, warning } from './decision.ts'
import type { FeedInput } from './input.ts'
import { leftOvers } from './repair.ts'

/** How often an engine that cannot be asked is asked again about what is to be removed, in ms. */
const retryIntervalMs = 5000

/** What becomes of a feed that is no longer declared, as it said itself while it was. */
export function planEnd(input: FeedInput): Decision {
  return input.memory.deletionPolicy === 'Orphan' ? planOrphaning(input) : planRemoval(input)
}

/** Remembered while the feed is declared, suspended or not: afterwards there is nobody to ask. */
export function withPolicy(input: FeedInput): FeedInput {
  const { deletionPolicy: _before, ...memory } = input.memory
  const isOrphan = input.declared?.resource.spec.deletionPolicy === 'Orphan'
  return { ...input, memory: isOrphan ? { ...memory, deletionPolicy: 'Orphan' } : memory }
}

/**
 * Everything of it is left as it is, whatever comes to be seen of it later. It is remembered as long as something is there, so that nothing takes it for
 * a left-over, and a feed that is declared again by the same name takes it over.
 */
function planOrphaning(input: FeedInput): Decision {
  const views = [...input.engines.values()]
  const left = views.flatMap(({ workloads }) => workloads.map(({ name }) => name))
  if (left.length === 0 && views.every(({ fault }) => fault === undefined)) return { ...idle(input.memory), gone: true }
  const isFirst = input.status.conditions !== undefined
  const text = `the feed is no longer declared and its deletionPolicy is Orphan: ${left.join(', ') || 'what is there'} stays as it is, managed by nobody`
  return { ...idle(input.memory), notes: isFirst ? [warning('Orphaned', text)] : [], orphaned: true }
}

/** Everything of it goes, its network where nothing else is on it, and it is forgotten once the engines have confirmed that nothing is left. */
function planRemoval(input: FeedInput): Decision {
  const steps = leftOvers(input, []).map(step => ({ ...step, reason: `Feed ${input.key} is no longer declared` }))
  if (steps.length > 0)
    return { ...idle(input.memory), steps, notes: [normal('Removing', 'the feed is no longer declared')], wakeMs: 0 }
  const views = [...input.engines.values()]
  const sure = views.every(({ fault, workloads }) => fault === undefined && workloads.length === 0)
  return sure
    ? { ...idle(input.memory), steps: releasesOf(input), gone: true }
    : { ...idle(input.memory), wakeMs: retryIntervalMs }
}

/**
 * A feed that has moved leaves no network behind on a host that was seen empty. Only where nothing else is to be done: a network that an engine does not let
 * go must not keep a gate from moving. Until then the host is remembered.
 */
export function withReleases(decision: Decision, { memory: { hosts } }: FeedInput): Decision {
  const { memory, steps } = decision
  const left = hosts.filter(host => !memory.hosts.includes(host))
  if (left.length === 0) return decision
  if (steps.length > 0) return { ...decision, memory: { ...memory, hosts: [...memory.hosts, ...left] } }
  return { ...decision, steps: left.map(releaseOf) }
}

function releasesOf({ memory: { serving, hosts } }: FeedInput): Step[] {
  const placed = serving ? [serving.host] : []
  return [...new Set([...placed, ...hosts])].map(releaseOf)
}

const releaseOf = (host: string): Step => ({
  ...{ action: 'ReleaseNetwork', host },
  reason: 'its network goes where it is ours and nothing else is on it',
})
