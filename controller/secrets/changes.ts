import { openHints } from '../sources/hint.ts'
import { openWatcher } from '../sources/watcher.ts'

/** Quiet after the last file event before it is told, and the latest time after the first one, in ms. */
const quietMs = 50
const longestMs = 500

/** Tells of changes below the secrets directory, until the signal. They are hints: what no event told is seen by the resync. */
export async function watchSecrets(
  directory: string,
  onChange: () => void,
  onError: (error: Error) => void,
  signal: AbortSignal,
): Promise<void> {
  const hints = openHints(quietMs, longestMs)
  const watcher = openWatcher(directory, hints.hint, onError)
  while (!signal.aborted) {
    await hints.next(foreverMs, signal)
    if (!signal.aborted) onChange()
  }
  await watcher.close()
}

/** A day; a look too many once a day is nobody's harm. */
const foreverMs = 24 * 3_600_000
