import { once } from 'node:events'
import { type FSWatcher, watch as watchPlain } from 'node:fs'
import { watch } from 'chokidar'

/** The raw cost of noticing an edit: the same edits, seen by `fs.watch` and by chokidar in this process. */
export type Noticing = {
  /** ms from `since` to the first event after it, once both have noticed. */
  latencies(since: number): Promise<{ plainMs: number; chokidarMs: number }>
  close(): Promise<void>
}

/** Watches a folder with the settings of the directory source. */
export async function openNoticing(folder: string): Promise<Noticing> {
  const plain = firstAfter()
  const chokidar = firstAfter()
  const plainWatcher: FSWatcher = watchPlain(folder, plain.hit)
  const watcher = watch(folder, { ignoreInitial: true, atomic: false, awaitWriteFinish: false, followSymlinks: true })
  watcher.on('all', chokidar.hit)
  await once(watcher, 'ready')
  return {
    async latencies(since) {
      const [plainAt, chokidarAt] = await Promise.all([plain.after(since), chokidar.after(since)])
      return { plainMs: plainAt - since, chokidarMs: chokidarAt - since }
    },
    async close() {
      plainWatcher.close()
      await watcher.close()
    },
  }
}

function firstAfter() {
  let hits: number[] = []
  let wake = Promise.withResolvers<void>()
  return {
    hit() {
      hits.push(performance.now())
      wake.resolve()
      wake = Promise.withResolvers<void>()
    },
    async after(since: number): Promise<number> {
      for (;;) {
        const { promise } = wake
        hits = hits.filter(at => at >= since)
        const [first] = hits
        if (first !== undefined) return first
        await promise
      }
    },
  }
}
