import type { Account } from '../../../crds/contract/desired.ts'
import type { DrillRun, DrillStore } from '../../store/drill.ts'
import type { FeedInput } from './input.ts'

/**
 * A drill that is under way on a feed (docs/concepts/drills.md). It edits nothing: while it wants the other account, the feed is told that one
 * in place of `credentials.active`, through the same door.
 */
export type Drilling = {
  /** `namespace/name` of the FailoverDrill, and which of its drills. */
  name: string
  id: string
  /** Generation of the Feed that it began with: an edit is the operator's, and comes first. */
  generation: number
  /** The account that it wants to publish; none once the declared one shall. */
  active: Account | undefined
}

/** What a feed has to know of the drill on it. */
export function drillingOf(feed: string, drills: DrillStore): Drilling | undefined {
  const underWay = drills.underWay(feed)
  if (!underWay) return undefined
  const { id, generation, phase, to } = underWay.run
  return { name: underWay.drill, id, generation, active: wants.has(phase) ? to : undefined }
}

const wants = new Set<DrillRun['phase']>(['failing-over', 'verifying'])

/** The drill whose wish is in force: one that an edit or a rollout has overtaken has none, before it has even noticed. */
export function drillInForce({ drilling, declared, memory }: FeedInput): (Drilling & { active: Account }) | undefined {
  const isOvertaken = declared?.generation !== drilling?.generation || memory.rollout !== undefined
  return drilling?.active === undefined || isOvertaken ? undefined : { ...drilling, active: drilling.active }
}
