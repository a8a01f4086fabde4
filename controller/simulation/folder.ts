import { digestOf } from '../../crds/contract/digest.ts'
import type { Clock } from '../runtime/clock.ts'
import { parseFile } from '../sources/document.ts'
import type { LastGood } from '../sources/lastgood.ts'
import { openLedger } from '../sources/ledger.ts'
import type { Snapshot, Source } from '../sources/source.ts'
import { wholeFile } from '../sources/syntax.ts'
import type { Look, SeenFile } from '../sources/tree.ts'

/** What a folder of YAML can suffer; each ends by itself or by a later edit. */
export type FolderTrouble = 'none' | 'away' | 'emptied' | 'truncated' | 'misspelt' | 'unreadable'

/** Files that the operator has written, and what a look at the folder shows of them. */
export type Folder = { files: Map<string, string>; trouble: FolderTrouble }

const root = '/declared'

/** The settings of `sources/directory.ts`, in ms. */
const settleMs = 1000
const resyncMs = 10_000
const retryMs = 2000

/**
 * The directory source without a directory: the real ledger looks at the folder when it is hinted at and when it is due. Like the real
 * one it hands over only what a consumer does not know yet.
 */
export function folderSource(folder: Folder, lastGood: LastGood, clock: Clock, hints: Hints): Source {
  return {
    name: 'simulated folder',
    run: (onSnapshot, signal) =>
      new Promise((resolve, reject) => follow({ folder, lastGood, clock, hints, onSnapshot }, signal, resolve, reject)),
  }
}

/** Where the folder's watcher is called. */
export type Hints = { onHint: () => void }

type Following = { folder: Folder; lastGood: LastGood; clock: Clock; hints: Hints; onSnapshot: (snapshot: Snapshot) => void }

function follow(following: Following, signal: AbortSignal, resolve: () => void, reject: (error: unknown) => void): void {
  const { folder, clock, hints, onSnapshot } = following
  const ledger = openLedger(root, following.lastGood, remembered)
  const known = { print: '', changedAt: clock.now(), emitted: undefined as Snapshot | undefined }
  let cancel = () => {}
  const look = () => {
    cancel()
    if (signal.aborted) return resolve()
    const shown = lookAt(folder, clock.now())
    const print = JSON.stringify([shown.known, ...[...shown.files].map(([name, file]) => [name, file.stamp])])
    if (print !== known.print) known.changedAt = clock.now()
    known.print = print
    const { pending, ...verdict } = ledger.consider(shown, clock.now() - known.changedAt >= settleMs)
    if (isNews(verdict, known.emitted)) {
      known.emitted = { sequence: (known.emitted?.sequence ?? 0) + 1, ...verdict }
      onSnapshot(known.emitted)
    }
    const settlesMs = Math.max(1, known.changedAt + settleMs - clock.now())
    cancel = clock.after(pending ? settlesMs : verdict.complete ? resyncMs : retryMs, tried)
  }
  const tried = () => {
    try {
      look()
    } catch (error) {
      reject(error)
    }
  }
  hints.onHint = tried
  tried()
}

function isNews({ objects, problems, complete }: Omit<Snapshot, 'sequence'>, before: Snapshot | undefined): boolean {
  return (
    before === undefined ||
    before.complete !== complete ||
    before.objects.size !== objects.size ||
    [...objects].some(([key, declared]) => before.objects.get(key) !== declared) ||
    JSON.stringify(before.problems) !== JSON.stringify(problems)
  )
}

/** One file at a time is in trouble: the last one by name. */
function lookAt({ files, trouble }: Folder, readAt: number): Look {
  const all = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const whole = (texts: [string, string][]): Look => ({
    known: true,
    problems: [],
    files: new Map(texts.map(([name, text]): [string, SeenFile] => [name, fileOf(text, readAt)])),
  })
  const last = all.at(-1)
  if (trouble === 'away') return { files: new Map(), known: false, problems: [] }
  if (trouble === 'emptied') return whole([])
  if (trouble === 'none' || !last) return whole(all)
  const [name, text] = last
  const others = whole(all.slice(0, -1))
  if (trouble === 'unreadable') {
    const problem = { ...wholeFile(`${root}/${name}`), category: 'unreadable' as const, reason: 'FileUnreadable', ...words }
    return { ...others, files: new Map([...others.files, [name, { stamp: 'unreadable', readAt, problem }]]) }
  }
  const shown =
    trouble === 'truncated' ? text.slice(0, text.length / 2) : text.replace('hostRef', 'hostRf').replace('kind', 'knd')
  return whole([...all.slice(0, -1), [name, shown]])
}

const words = { message: 'the file cannot be read', hint: 'make it readable' }

function fileOf(text: string, readAt: number): SeenFile {
  const hash = digestOf(text)
  return { stamp: hash, readAt, text, hash }
}

/** Texts whose parse is remembered: the same few come again and again, in each life and in each run. */
const maxParsed = 5000
const parsed = new Map<string, ReturnType<typeof parseFile>>()

function remembered(file: string, text: string): ReturnType<typeof parseFile> {
  const id = `${file} ${text}`
  const known = parsed.get(id) ?? parseFile(file, text)
  if (parsed.size < maxParsed) parsed.set(id, known)
  return known
}
