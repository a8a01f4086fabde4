import type { Logger } from 'pino'
import type { Desk } from './desk.ts'
import { type Clock, systemClock } from './runtime/clock.ts'
import type { Snapshot, Source } from './sources/source.ts'

/** ms until a snapshot that could not be taken over, because the disk was full for example, is tried again. */
const retryMs = 2000

/**
 * Hands snapshots to the desk one after the other; of those that come while one is taken over, only the newest. One that the desk refuses
 * is handed to it again until it takes it or there is a newer one: the source tells each state once.
 */
export async function readSource(
  source: Source,
  desk: Desk,
  log: Logger,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  let newest: Snapshot | undefined
  let taking: Promise<void> | undefined
  const take = async (snapshot: Snapshot) => {
    try {
      await desk.take(snapshot)
    } catch (error) {
      log.error({ err: error }, 'taking over the declared state failed')
      newest ??= snapshot
      await pause(clock, signal)
    }
  }
  const drain = async () => {
    while (newest && !signal.aborted) {
      const snapshot = newest
      newest = undefined
      await take(snapshot)
    }
    taking = undefined
  }
  const onSnapshot = (snapshot: Snapshot) => {
    newest = snapshot
    taking ??= drain()
  }
  await source.run(onSnapshot, signal)
  await taking
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = () => resolve()
  const cancel = clock.after(retryMs, end)
  signal.addEventListener('abort', end, { once: true })
  return promise.finally(() => {
    cancel()
    signal.removeEventListener('abort', end)
  })
}
