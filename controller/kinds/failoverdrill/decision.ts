import type { DrillResult } from '../../../crds/failoverdrill.ts'
import type { DrillMemory, DrillRun } from '../../store/drill.ts'
import type { Note } from '../feed/decision.ts'

/** What a look at a drill came to. `memory` is persisted before anything follows from it. */
export type DrillDecision = {
  memory: DrillMemory
  notes: Note[]
  /** A drill begins: only where the feed is still as it was seen. */
  begins: boolean
  /** The feed is to be looked at now: the drill wants another account than before. */
  wakesFeed: boolean
  /** A drill has ended, or was refused: kept as evidence. */
  ended: { run: DrillRun | undefined; result: DrillResult } | undefined
  wakeMs: number
  /** No longer declared, and nothing is under way. */
  gone: boolean
}

/** How often a drill that is under way is looked at, in ms, and one that waits for its time. */
export const underWayMs = 200
export const idleMs = 10_000

/** A decision to do nothing, to build others from. */
export function idle(memory: DrillMemory, wakeMs = idleMs): DrillDecision {
  return { memory, notes: [], begins: false, wakesFeed: false, ended: undefined, wakeMs, gone: false }
}
