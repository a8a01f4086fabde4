import type { Revision } from '../../store/revision.ts'
import type { Aim } from './decision.ts'
import { type FeedInput, findRevision } from './input.ts'

/** Why a rollout is begun, for its event and its steps. */
export function reasonFor(input: FeedInput, aim: Aim, revision: Revision): string {
  const before = findRevision(input, input.memory.serving?.revision)
  if (!before) return 'nothing serves yet'
  if (aim.why === 'pinned') return `spec.revision asks for revision ${revision.number}`
  return differences(before, revision).join(', ') || `the inputs are those of revision ${revision.number} again`
}

/** Inputs that a process takes over while it runs; every other one needs another process. */
const taken = new Set(['rate limits', 'watchdog', 'subscriptions'])

/** Why the revision cannot be taken over by the process that runs. */
export function processReason(input: FeedInput, revision: Revision): string {
  const before = findRevision(input, input.memory.serving?.revision)
  const heavy = before ? differences(before, revision).filter(part => !taken.has(part)) : []
  return heavy.length > 0 ? `another process is needed for ${heavy.join(', ')}` : 'another process is needed'
}

/** What differs between two revisions, in words. */
export function differences(before: Revision, after: Revision): string[] {
  const a = before.snapshot
  const b = after.snapshot
  const parts: [string, unknown, unknown][] = [
    ['container settings', a.container, b.container],
    ['gateway', a.launch.gateway, b.launch.gateway],
    ['publishing', a.launch.publish, b.launch.publish],
    ['calendar', a.launch.calendar, b.launch.calendar],
    ['bounds', a.launch.queue, b.launch.queue],
    ['accounts', a.launch.accounts, b.launch.accounts],
    ['secrets', a.secretDigests, b.secretDigests],
    ['rate limits', a.live.rateLimits, b.live.rateLimits],
    ['watchdog', a.live.watchdog, b.live.watchdog],
    ['subscriptions', a.live.instrumentGroups, b.live.instrumentGroups],
  ]
  const named = parts.filter(([, was, is]) => JSON.stringify(was) !== JSON.stringify(is)).map(([name]) => name)
  if (a.image !== b.image) named.unshift(`image ${a.image} -> ${b.image}`)
  if (a.hostRef !== b.hostRef) named.unshift(`host ${a.hostRef} -> ${b.hostRef}`)
  return named
}
