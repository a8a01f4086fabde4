import { type FSWatcher, watch } from 'chokidar'

/**
 * Hints of changes below a folder, which need not exist yet. Chokidar 6 on the folder itself: on a single file it misses swaps of `..data`
 * (measured with 5). `raw` comes before the stat calls that the other events wait for.
 */
export function openWatcher(root: string, hint: () => void, onError: ((error: Error) => void) | undefined): FSWatcher {
  const watcher = watch(root, { ignoreInitial: true, atomic: false, awaitWriteFinish: false, followSymlinks: true })
  watcher.on('all', hint)
  watcher.on('raw', hint)
  // What changed between the first look and this moment had no watch on it.
  watcher.on('ready', hint)
  watcher.on('error', error => onError?.(error instanceof Error ? error : new Error(String(error))))
  return watcher
}
