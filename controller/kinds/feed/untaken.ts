import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { FeedMemory } from '../../store/memory.ts'
import type { FeedInput } from './input.ts'
import type { Proof } from './proof.ts'

/** How long a process that does not take its settings up is left alone before it is handed them again, in ms. */
const againMs = 30_000

type Pushed = { container: string; digest: string; revision: number; at: number }

export function recordPush(memory: FeedMemory, pushed: Pushed): FeedMemory {
  return { ...memory, pushed: { ...pushed, epoch: memory.epoch } }
}

/** A push that failed says nothing: it is tried again as any other step. */
export function forgetPush({ pushed: _failed, ...memory }: FeedMemory): FeedMemory {
  return memory
}

/**
 * Where a process has accepted the very settings that it lacks: an older one, which does not know some of them, say. Handing them over without
 * end would change nothing.
 */
export function untakenBy({ now, memory }: FeedInput, container: string, report: FeedReport, digest: string): Proof | undefined {
  const { pushed } = memory
  if (pushed?.container !== container || pushed.digest !== digest || report.liveDigest === digest) return undefined
  // A controller that died before it pushed has remembered it all the same.
  const isAccepted = report.epoch >= pushed.epoch && report.revision === pushed.revision
  if (!isAccepted || now - pushed.at >= againMs) return undefined
  const message = `${container} (version ${report.version}) accepts its settings and reports others: is its image older than the controller? It is handed them again every ${againMs / 1000} s`
  return { state: 'pending', reason: 'SettingsNotTaken', message }
}
