import { asFault, type Fault } from '../../crds/contract/fault.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Engine, Image } from './engine.ts'

/** A pull that takes longer has failed; a large image over a slow line takes minutes. */
const pullDeadlineMs = 15 * 60_000

/** ms after which a pull that failed for a passing reason may be tried again. */
const retryAfterMs = 10_000

export type PullState =
  | { state: 'idle' }
  | { state: 'pulling' }
  | { state: 'failed'; fault: Fault }
  | { state: 'pulled'; image: Image }

/**
 * Pulls images in the background, one pull per host and reference however many feeds wait for it, so that no worker is held. What
 * failed for good stays failed until `forget`; the end of each pull calls `onEnd`.
 */
export type ImagePuller = {
  state(hostKey: string, reference: string): PullState
  start(hostKey: string, engine: Engine, reference: string): void
  /** An input changed or a retry was asked for: what failed may be tried again. */
  forget(hostKey: string, reference: string): void
}

type Pull = { state: PullState; endedAt: number }

export function imagePuller(clock: Clock, onEnd: () => void, signal: AbortSignal): ImagePuller {
  const pulls = new Map<string, Pull>()
  const idOf = (hostKey: string, reference: string) => `${hostKey} ${reference}`
  const end = (id: string, state: PullState) => {
    pulls.set(id, { state, endedAt: clock.now() })
    onEnd()
  }
  return {
    state(hostKey, reference) {
      const pull = pulls.get(idOf(hostKey, reference))
      if (!pull) return { state: 'idle' }
      const passing = pull.state.state === 'failed' && pull.state.fault.class !== 'stalled'
      return passing && clock.now() - pull.endedAt > retryAfterMs ? { state: 'idle' } : pull.state
    },
    start(hostKey, engine, reference) {
      const id = idOf(hostKey, reference)
      if (pulls.get(id)?.state.state === 'pulling') return
      pulls.set(id, { state: { state: 'pulling' }, endedAt: 0 })
      const ended = AbortSignal.any([signal, AbortSignal.timeout(pullDeadlineMs)])
      engine.pullImage(reference, ended).then(
        image => end(id, { state: 'pulled', image }),
        error => end(id, { state: 'failed', fault: asFault(error) }),
      )
    },
    forget: (hostKey, reference) => void pulls.delete(idOf(hostKey, reference)),
  }
}
