import { asFault, type Fault } from '../../crds/contract/fault.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Engine, Image } from './engine.ts'

/** A pull that takes longer has failed; a large image over a slow line takes minutes. */
const pullDeadlineMs = 15 * 60_000

/** ms after which a pull that failed for a passing reason may be tried again. */
const retryAfterMs = 10_000

/** `fault` beside a try that is due or under way: why the one before failed. */
export type PullState =
  | { state: 'idle'; fault?: Fault }
  | { state: 'pulling'; fault?: Fault }
  | { state: 'failed'; fault: Fault }
  | { state: 'pulled'; image: Image }

/** `attempt` tells the tries of one reference apart: a new revision, or a retry that was asked for, asks the registry again. */
export type PullRequest = { hostKey: string; reference: string; attempt: string }

/**
 * Pulls images in the background, so that no worker is held. What failed for good stays failed for its attempt; the end of each pull
 * calls `onEnd`.
 */
export type ImagePuller = {
  state(request: PullRequest): PullState
  start(request: PullRequest, engine: Engine): void
}

/** Ended pulls that are remembered. */
const pullLimit = 1000

type Pull = { state: PullState; endedAt: number }

export function imagePuller(clock: Clock, onEnd: () => void, signal: AbortSignal): ImagePuller {
  const pulls = new Map<string, Pull>()
  const idOf = ({ hostKey, reference, attempt }: PullRequest) => `${hostKey} ${reference} ${attempt}`
  const end = (id: string, state: PullState) => {
    pulls.set(id, { state, endedAt: clock.now() })
    const [oldest] = pulls.keys()
    if (pulls.size > pullLimit && oldest !== undefined && oldest !== id) pulls.delete(oldest)
    onEnd()
  }
  return {
    state(request) {
      const pull = pulls.get(idOf(request))
      if (!pull) return { state: 'idle' }
      const passing = pull.state.state === 'failed' && pull.state.fault.class !== 'stalled'
      return passing && clock.now() - pull.endedAt > retryAfterMs ? { state: 'idle', ...faultOf(pull) } : pull.state
    },
    start(request, engine) {
      const id = idOf(request)
      const before = pulls.get(id)
      if (before?.state.state === 'pulling') return
      pulls.set(id, { state: { state: 'pulling', ...faultOf(before) }, endedAt: 0 })
      const ended = AbortSignal.any([signal, AbortSignal.timeout(pullDeadlineMs)])
      engine.pullImage(request.reference, ended).then(
        image => end(id, { state: 'pulled', image }),
        error => end(id, { state: 'failed', fault: asFault(error) }),
      )
    },
  }
}

function faultOf(pull: Pull | undefined): { fault?: Fault } {
  return pull && 'fault' in pull.state && pull.state.fault ? { fault: pull.state.fault } : {}
}
