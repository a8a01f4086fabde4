import { watch } from 'chokidar'
import { openHints } from '../sources/hint.ts'

/** Quiet after the last file event before it is told, and the latest time after the first one, in ms. */
const quietMs = 50
const longestMs = 500

/** Folders below a folder that is watched. */
const depth = 3

/** A day; a look too many once a day is nobody's harm. */
const foreverMs = 24 * 3_600_000

export type FileWatch = {
  /** Watches the folders from now on, beside those that are watched already. */
  follow(folders: string[]): void
}

/** Tells of changes in folders that become known one by one, until the signal. They are hints: what no event told is seen by the resync. */
export function openFileWatch(onChange: () => void, onError: (error: Error) => void, signal: AbortSignal): FileWatch {
  const hints = openHints(quietMs, longestMs)
  const followed = new Set<string>()
  const watcher = watch([], { ignoreInitial: true, depth, ignored: /(^|\/)(node_modules|\.git)(\/|$)/ })
  watcher.on('all', hints.hint)
  watcher.on('error', error => onError(error instanceof Error ? error : new Error(String(error))))
  const tell = async () => {
    while (!signal.aborted) {
      await hints.next(foreverMs, signal)
      if (!signal.aborted) onChange()
    }
    await watcher.close()
  }
  tell().catch(onError)
  return {
    follow(folders) {
      for (const folder of folders) {
        if (followed.has(folder)) continue
        followed.add(folder)
        watcher.add(folder)
      }
    },
  }
}
