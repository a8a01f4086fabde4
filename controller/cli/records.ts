import type { PlanView, ResourceEvent, RevisionView } from '../api/contract.ts'
import { renderSpan } from './duration.ts'
import { paint } from './terminal.ts'

/** Events, oldest first, as rows: AGE TYPE REASON COUNT MESSAGE. */
export function eventRows(events: ResourceEvent[], now: number): string[][] {
  return events.map(({ at, type, reason, count, message }) => [
    renderSpan(now - at),
    `${type === 'Warning' ? '!' : '·'} ${type}`,
    reason,
    String(count),
    message,
  ])
}

const revisionGlyphs = { good: '✓', failed: '✗', pending: '↻' } as const

/** Revisions, newest first, as rows: REVISION STATE AGE IMAGE CHANGES. `*` runs now, `>` is asked for. */
export function revisionRows(revisions: RevisionView[], now: number): string[][] {
  return revisions.map(({ revision, state, createdAt, image, changes, reason, current, target }) => [
    `${revision}${current ? '*' : ''}${target && !current ? '>' : ''}`,
    `${revisionGlyphs[state]} ${state}`,
    renderSpan(now - createdAt),
    image,
    [changes.join(', '), reason === undefined ? '' : `(${reason})`].filter(Boolean).join(' '),
  ])
}

/** A plan, feed by feed: what would be done, to what, and why; and why nothing can be done, where that is so. */
export function renderPlan(items: PlanView[], colour: boolean): string {
  return items
    .filter(({ steps, violations }) => steps.length + violations.length > 0)
    .map(({ kind, key, steps, violations, strategy }) => {
      const done = steps.map(({ action, target, reason }) => `  ${paint('~', 'warn', colour)} ${action} ${target}: ${reason}\n`)
      const blocked = violations.map(
        ({ reason, message, path }) =>
          `  ${paint('✗', 'bad', colour)} ${reason}: ${message}${path === undefined ? '' : ` (${path})`}\n`,
      )
      const way = strategy === undefined ? '' : `, by ${strategy.name}: ${strategy.reason}`
      return `${kind} ${key}${way}\n${blocked.join('')}${done.join('')}`
    })
    .join('')
}
