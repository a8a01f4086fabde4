import { setTimeout as sleep } from 'node:timers/promises'

/** Hints that come in bursts, as one call each. */
export type Hints = {
  /** Something may have changed. */
  hint(): void
  /** Resolves when hints have come and then been quiet, or after `timeoutMs`, or when the signal aborts. Never rejects. */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>
}

/** A burst ends after `quietMs` without a hint, and `longestMs` after its first hint at the latest. */
export function openHints(quietMs: number, longestMs: number): Hints {
  let firstAt: number | undefined
  let timer: NodeJS.Timeout | undefined
  let wake = Promise.withResolvers<void>()
  return {
    hint() {
      const now = performance.now()
      firstAt ??= now
      clearTimeout(timer)
      timer = setTimeout(wake.resolve, Math.max(0, Math.min(quietMs, firstAt + longestMs - now)))
    },
    async next(timeoutMs, signal) {
      const ended = new AbortController()
      const either = AbortSignal.any([signal, ended.signal])
      await Promise.race([wake.promise, sleep(timeoutMs, undefined, { signal: either }).catch(() => undefined)])
      ended.abort()
      clearTimeout(timer)
      firstAt = undefined
      wake = Promise.withResolvers<void>()
    },
  }
}
