import type { FeedEvent, FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { FeedMemory } from '../../store/memory.ts'
import { type Note, warning } from './decision.ts'
import type { FeedInput } from './input.ts'

/** Events of a feed that one look tells; of more, the newest. */
export const maxToldEvents = 50

/** Milliseconds since 1970 are above this, other numbers of an event below. */
const earliestMoment = 1_000_000_000_000

type Heard = NonNullable<FeedMemory['heard']>

/**
 * What the feed's own processes have told since the last look, as events of the Feed: its warnings, and the end of what an operator asked for.
 * `heard` says how far each process was heard, so that an event is told once, also after a restart of either side.
 */
export function hear(input: FeedInput): { heard: Heard | undefined; notes: Note[] } {
  const { serving, rollout, heard = {} } = input.memory
  const placed = [serving?.container, rollout?.container]
  const next: Heard = Object.fromEntries(Object.entries(heard).filter(([container]) => placed.includes(container)))
  const notes: Note[] = []
  for (const view of input.reports) {
    const last = 'report' in view ? view.events?.at(-1) : undefined
    if (!('report' in view) || last === undefined) continue
    const after = heardUntil(input.memory, view)
    next[view.container] = { startedAt: view.report.startedAt, sequence: last.sequence }
    notes.push(...notesOf(view.events ?? [], after))
  }
  return { heard: Object.keys(next).length === 0 ? undefined : next, notes }
}

/** Number of the newest event that was heard of a process; 0 for one that was started since. */
export function heardUntil({ heard }: FeedMemory, { container, report }: { container: string; report: FeedReport }): number {
  const before = heard?.[container]
  return before !== undefined && before.startedAt === report.startedAt ? before.sequence : 0
}

function notesOf(events: FeedEvent[], after: number): Note[] {
  const worth = events.filter(isWorthTelling)
  const told = worth.slice(-maxToldEvents)
  // What the feed's own bound forced out is counted too.
  const leftOut = worth.length - told.length + ((events[0]?.sequence ?? 0) - after - 1)
  const notes = told.map(
    ({ at, type, reason, message, fields }): Note => ({ at, type, reason, message: textOf(message, fields) }),
  )
  return leftOut > 0 ? [warning('EventsLeftOut', `${leftOut} older events of the feed are in its own log only`), ...notes] : notes
}

function isWorthTelling({ type, reason }: FeedEvent): boolean {
  return type === 'Warning' || reason === 'Resubscribed'
}

function textOf(message: string, fields: FeedEvent['fields'] = {}): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name} ${factOf(value)}`)
  return facts.length === 0 ? message : `${message} (${facts.join(', ')})`
}

function factOf(value: string | number | boolean): string {
  return typeof value === 'number' && value > earliestMoment ? new Date(value).toISOString() : String(value)
}
