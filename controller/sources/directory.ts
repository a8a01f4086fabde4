import { resolve } from 'node:path'
import { type Hints, openHints } from './hint.ts'
import type { LastGood } from './lastgood.ts'
import { type Ledger, openLedger, type Verdict } from './ledger.ts'
import type { Snapshot, Source } from './source.ts'
import { fingerprint, type Look, lookAt } from './tree.ts'
import { openWatcher } from './watcher.ts'

export type DirectoryOptions = {
  path: string
  lastGood: LastGood
  /** Watching failed (no inotify watches left, say): changes are seen by the resync only. */
  onWatchError?: (error: Error) => void
  /** What is declared could not be kept, for want of space for example: it does not count yet, and is looked at again. */
  onSaveError?: (error: Error) => void
  /** Quiet after the last file event before the tree is read. */
  quietMs?: number
  /** Latest reading after the first event of a burst. */
  longestQuietMs?: number
  /** Quiet of the whole tree before something that is missing counts as removed. */
  settleMs?: number
  /** Reading without any event, for what no event told (network file systems). */
  resyncMs?: number
  /** Reading again while the tree cannot be read, or what it declares cannot be kept. */
  retryMs?: number
}

const defaults = { quietMs: 10, longestQuietMs: 100, settleMs: 1000, resyncMs: 30_000, retryMs: 1000 }

/**
 * The YAML files below a folder, which need not exist yet. Events of the file system are hints: each leads to a look at the whole
 * tree, and only a file whose content differs is parsed. See `openLedger` for what a bad, missing or truncated file means.
 */
export function directorySource(options: DirectoryOptions): Source {
  const root = resolve(options.path)
  const settings = { ...defaults, ...options }
  return {
    name: `directory ${root}`,
    async run(onSnapshot, signal) {
      const hints = openHints(settings.quietMs, settings.longestQuietMs)
      const watcher = openWatcher(root, hints.hint, settings.onWatchError)
      try {
        await follow(root, settings, hints, onSnapshot, signal)
      } finally {
        await watcher.close()
      }
    },
  }
}

type Settings = typeof defaults & DirectoryOptions
type Progress = { look: Look | undefined; changedAt: number; emitted: Snapshot | undefined }

async function follow(
  root: string,
  settings: Settings,
  hints: Hints,
  onSnapshot: (snapshot: Snapshot) => void,
  signal: AbortSignal,
): Promise<void> {
  const ledger = openLedger(root, settings.lastGood)
  const progress: Progress = { look: undefined, changedAt: performance.now(), emitted: undefined }
  while (!signal.aborted) {
    const verdict = await advance(root, ledger, settings, progress, signal)
    if (signal.aborted) return
    const snapshot = verdict && snapshotOf(verdict, progress.emitted)
    if (snapshot !== undefined) {
      progress.emitted = snapshot
      onSnapshot(snapshot)
    }
    await hints.next(waitOf(verdict, settings, progress), signal)
  }
}

/** One look and what it amounts to; `undefined` after an abort, and where that could not be kept. */
async function advance(
  root: string,
  ledger: Ledger,
  { settleMs, onSaveError }: Settings,
  progress: Progress,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const look = await lookAt(root, progress.look, signal).catch((error: unknown) => {
    if (signal.aborted) return undefined
    throw error
  })
  if (look === undefined) return undefined
  const now = performance.now()
  const isSame = look.known && progress.look !== undefined && fingerprint(look) === fingerprint(progress.look)
  if (!isSame) progress.changedAt = now
  progress.look = look
  try {
    return ledger.consider(look, now - progress.changedAt >= settleMs)
  } catch (error) {
    onSaveError?.(error instanceof Error ? error : new Error(String(error)))
    return undefined
  }
}

/** Milliseconds until the next look if nothing happens. */
function waitOf(verdict: Verdict | undefined, settings: Settings, progress: Progress): number {
  if (verdict === undefined) return settings.retryMs
  if (verdict.pending) return Math.max(1, progress.changedAt + settings.settleMs - performance.now())
  return verdict.complete ? settings.resyncMs : settings.retryMs
}

/** `undefined` where a consumer would learn nothing new. */
function snapshotOf({ objects, problems, complete }: Verdict, before: Snapshot | undefined): Snapshot | undefined {
  const isNew =
    before === undefined ||
    before.complete !== complete ||
    before.objects.size !== objects.size ||
    [...objects].some(([key, declared]) => before.objects.get(key) !== declared) ||
    JSON.stringify(before.problems) !== JSON.stringify(problems)
  return isNew ? { sequence: (before?.sequence ?? 0) + 1, objects, problems, complete } : undefined
}
