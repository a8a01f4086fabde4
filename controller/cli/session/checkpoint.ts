import type { CalendarView } from '../../../crds/contract/calendar.ts'
import { renderSpan } from '../duration.ts'

export type Window = 'day' | 'night'

/** How long before the first call auction everything has to be ready, in ms: T-5. */
export const leadMs = 300_000

/** When the feeds have to be ready; `at` is absent where the market never closes, and there is nothing to be late for. */
export type Checkpoint = { at?: number; opens?: number; product?: string }

/**
 * T-5 of the next session of a window, or of the one that is on: five minutes before the first product opens. `undefined` where no feed has such a
 * session in the days that its calendar tells of: a holiday, or no night. Pure.
 */
export function checkpointOf(calendars: CalendarView[], window: Window, now: number): Checkpoint | undefined {
  const sessions = calendars
    .flatMap(({ groups }) => groups)
    .flatMap(({ products, sessions: its }) => its.map(session => ({ ...session, product: products[0] })))
    .filter(({ kind, ends }) => kind === window && ends > now)
    .sort((a, b) => a.opens - b.opens)
  const [first] = sessions
  if (first)
    return { at: first.opens - leadMs, opens: first.opens, ...(first.product !== undefined && { product: first.product }) }
  return calendars.some(({ type }) => type === 'always') ? {} : undefined
}

/** Whether feeds that are ready now are so in time, and by how much. Pure. */
export function punctualityOf(
  checkpoint: Checkpoint | undefined,
  window: Window,
  now: number,
): { isMet: boolean; message: string } {
  if (!checkpoint) return { isMet: false, message: `no feed has a ${window} session within a week` }
  const { at, opens, product } = checkpoint
  if (at === undefined || opens === undefined)
    return { isMet: true, message: 'ready; the market never closes, so there is nothing to be late for' }
  const words = `T-5 of ${product ?? 'the first product'}, which opens at ${new Date(opens).toISOString()}`
  if (now > at) return { isMet: false, message: `ready ${renderSpan(now - at)} after ${words}` }
  return { isMet: true, message: `ready ${renderSpan(at - now)} before ${words}` }
}
