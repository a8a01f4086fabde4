import type { Fault } from '../../crds/contract/fault.ts'

/**
 * What a reconciliation came to. The loop maps it to one queue action, one metric and one log line, here and nowhere else:
 *
 * - `done`: converged; look again after the resync interval.
 * - `after`: in progress or waiting for something; look again after so many ms.
 * - `stalled`: only a change of input helps; look again after the resync interval (to notice drift), not sooner.
 * - `error`: try again with back-off.
 * - `gone`: there is nothing left to look at; the key comes back when somebody adds it.
 */
export type Result =
  | { type: 'done' }
  | { type: 'gone' }
  | { type: 'after'; delayMs: number }
  | { type: 'stalled'; fault: Fault }
  | { type: 'error'; fault: Fault }
