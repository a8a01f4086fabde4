import type { Logger } from 'pino'
import type { Desk } from './desk.ts'
import type { Snapshot, Source } from './sources/source.ts'

/** Hands snapshots to the desk one after the other; of those that come while one is taken over, only the newest. */
export async function readSource(source: Source, desk: Desk, log: Logger, signal: AbortSignal): Promise<void> {
  let newest: Snapshot | undefined
  let taking: Promise<void> | undefined
  const drain = async () => {
    while (newest) {
      const snapshot = newest
      newest = undefined
      await desk.take(snapshot).catch(error => log.error({ err: error }, 'taking over the declared state failed'))
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
