import type { FeedMemory, Placement } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import type { Seat, Step } from './decision.ts'
import { desiredFor, nextEpoch, type Writing } from './handover.ts'
import { type FeedInput, findReport, findWorkload, isRunning } from './input.ts'

/** How long a process that holds the gate may leave us without an answer before it is fenced, in ms. */
export const silentMs = 3000

/** A process, and the revision that it runs. */
export type Holder = { placement: Placement; revision: Revision }

/**
 * Moves the gate from one process to another that runs muted beside it: the one closes it and answers where publishing stands, the other
 * goes on behind that in a new epoch. A process that does not answer is stopped first, so that two gates are never open; what it
 * published is then not known to the last tick, and the feed tells that as a gap.
 *
 * No step, while there is still hope that it answers (`since`: from when on it was to be asked), or while the other one does not.
 */
export function moveGate(input: FeedInput, from: Holder, to: Holder, since: number, reason: string): Writing {
  const { memory } = input
  const { host, container } = from.placement
  const isUp = isRunning(findWorkload(input, container))
  if (!endpointOf(input, to)) return { memory, steps: [] }
  if (endpointOf(input, from)) return { ...stepsOf(input, from, to, nextEpoch(input), reason) }
  if (isUp && input.now - since < silentMs) return { memory, steps: [] }
  const fence: Step = { action: 'Stop', host, container, reason: `${container} does not answer, and its gate must be closed` }
  const moved = stepsOf(input, undefined, to, nextEpoch(input), `${reason}; ${container} cannot say where it stopped`)
  return isUp ? { ...moved, steps: [fence, ...moved.steps] } : moved
}

function stepsOf(input: FeedInput, from: Holder | undefined, to: Holder, memory: FeedMemory, reason: string): Writing {
  const source = from && seatOf(input, from, memory.epoch, 'standby')
  const target = seatOf(input, to, memory.epoch, 'publisher')
  return { memory, steps: target ? [{ action: 'MoveGate', from: source, ...target, reason }] : [] }
}

function seatOf(input: FeedInput, holder: Holder, epoch: number, role: 'publisher' | 'standby'): Seat | undefined {
  const endpoint = endpointOf(input, holder)
  const { host, container } = holder.placement
  return endpoint ? { host, container, endpoint, desired: desiredFor(input, holder.revision, epoch, role) } : undefined
}

function endpointOf(input: FeedInput, { placement: { container } }: Holder): string | undefined {
  return findReport(input, container) && findWorkload(input, container)?.endpoint
}
