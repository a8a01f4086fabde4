import { join, relative } from 'node:path'
import { duplicateName, withoutDuplicates } from '../consistency/duplicates.ts'
import { type ParsedFile, parseFile } from './document.ts'
import { type GoodFile, type LastGood, parseGoodFile } from './lastgood.ts'
import { comparePlaces, type Problem } from './problem.ts'
import { type Declared, objectKey, type Snapshot } from './source.ts'
import { wholeFile } from './syntax.ts'
import { hashOf, type Look, type SeenFile } from './tree.ts'

/** What a look amounts to. `pending`: some of it counts only once the tree has been quiet for a while. */
export type Verdict = Omit<Snapshot, 'sequence'> & { pending: boolean }

/** `parseFile`, or what remembers its answers. */
export type Parse = typeof parseFile

export type Ledger = {
  /** `settled`: the tree has been quiet for so long that what is missing has been removed on purpose. */
  consider(look: Look, settled: boolean): Verdict
}

type Good = { text: string; objects: Declared[]; keys: string[] }
type Entry = { good?: Good; parsed?: { hash: string } & ParsedFile; saved?: GoodFile }

/** What one file contributes. `live`: its present text declares it, rather than an earlier one. */
type Share = { file: string; objects: Declared[]; live: boolean; pending: boolean; problems: Problem[] }

/**
 * Decides which objects the files below `root` declare, from one look after the other:
 *
 * - A file with any error keeps the objects of its last good text.
 * - A file that is gone, or that declares less than before, takes effect once the tree is settled: writers truncate, then
 *   write; version control removes, then creates.
 * - A text that is the beginning of the last good one and lacks objects of it was cut off, and never takes effect.
 * - An object that vanishes stays while a bad file may declare it, as after a move with a mistake in it.
 * - Where the tree could not be read, or has become empty, nothing is gone.
 * - Of two files that declare one object the first to have done so wins, for as long as it does.
 */
export function openLedger(root: string, lastGood: LastGood, parse: Parse = parseFile): Ledger {
  const entries = loadEntries(root, lastGood, parse)
  return {
    consider(look, settled) {
      const { known, problems } = emptied(root, look, entries)
      for (const [file, seen] of look.files) refresh(root, file, seen, entries, parse)
      const view = { look, known, settled, isClaimed: claimsOf(look, entries) }
      const shares = [...entries.keys()].sort().map(file => shareOf(root, file, view, entries))
      const merged = merge(root, shares, entries)
      save(merged.objects, root, entries, lastGood)
      const isUnread = shares.some(share => share.problems.some(problem => problem.category === 'unreadable'))
      const complete = known && !isUnread && ![...entries.values()].some(lacksObjects)
      const all = [...look.problems, ...problems, ...shares.flatMap(share => share.problems), ...merged.problems]
      const pending = known && shares.some(share => share.pending)
      return { objects: merged.objects, problems: all.sort(comparePlaces), complete, pending }
    },
  }
}

type View = { look: Look; known: boolean; settled: boolean; isClaimed: (key: string) => boolean }

function loadEntries(root: string, lastGood: LastGood, parse: Parse): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const [file, content] of lastGood.load()) {
    const saved = parseGoodFile(content)
    if (saved === undefined) continue
    const parsed = { hash: hashOf(saved.text), ...parse(join(root, file), saved.text) }
    entries.set(file, { good: { text: saved.text, objects: parsed.objects, keys: saved.keys }, parsed, saved })
  }
  return entries
}

/** A mount that is lost looks like an empty folder. */
function emptied(root: string, look: Look, entries: Map<string, Entry>): { known: boolean; problems: Problem[] } {
  const hadSome = [...entries.values()].some(entry => entry.good !== undefined)
  if (!look.known || look.files.size > 0 || !hadSome) return { known: look.known, problems: [] }
  const message = 'the folder has become empty; what it declared stays as it is'
  const hint = 'bring the files back; to remove everything, leave one file that still declares something'
  return { known: false, problems: [{ ...wholeFile(root), category: 'unreadable', reason: 'FolderEmpty', message, hint }] }
}

/** Parses a file whose content has changed. */
function refresh(root: string, file: string, seen: SeenFile, entries: Map<string, Entry>, parse: Parse): void {
  const entry = entries.get(file) ?? {}
  entries.set(file, entry)
  if ('hash' in seen && entry.parsed?.hash !== seen.hash) {
    entry.parsed = { hash: seen.hash, ...parse(join(root, file), seen.text) }
  }
}

/** Whether an object may be declared by a file other than the one that it vanishes from, well or badly. */
function claimsOf(look: Look, entries: Map<string, Entry>): (key: string) => boolean {
  let claims: ((key: string) => boolean) | undefined
  return key => {
    claims ??= readClaims(look, entries)
    return claims(key)
  }
}

function readClaims(look: Look, entries: Map<string, Entry>): (key: string) => boolean {
  const bad = [...look.files].map(([file, seen]) => ('problem' in seen ? undefined : entries.get(file)?.parsed))
  const claimed = new Set(bad.flatMap(parsed => (parsed !== undefined && isBad(parsed) ? parsed.mentions : [])))
  const anything = bad.some(parsed => parsed === undefined || (isBad(parsed) && !parsed.identified))
  const declared = new Set(bad.flatMap(parsed => (parsed === undefined || isBad(parsed) ? [] : parsed.objects.map(keyOf))))
  return key => (anything || claimed.has(key)) && !declared.has(key)
}

function shareOf(root: string, file: string, view: View, entries: Map<string, Entry>): Share {
  const entry = entries.get(file) ?? {}
  const seen = view.look.files.get(file)
  if (seen === undefined) return shareOfAbsent(root, file, entry, view, entries)
  if ('problem' in seen) return keep(file, entry, { problems: [seen.problem] })
  if (entry.parsed === undefined || isBad(entry.parsed)) return keep(file, entry, { problems: entry.parsed?.problems ?? [] })
  if (entry.good?.text === seen.text) return accept(file, entry, seen.text, entry.parsed)
  const lost = lostKeys(entry.good, entry.parsed)
  const isCut = entry.good?.text.startsWith(seen.text) ?? false
  if (isCut && lost.length > 0) return keep(file, entry, { problems: [cutOff(root, file, seen.text, lost)] })
  if ((isCut || lost.length > 0) && !view.settled) return keep(file, entry, { pending: true })
  const claimed = lost.filter(view.isClaimed)
  if (claimed.length > 0) return keep(file, entry, { problems: [held(root, file, claimed)] })
  return accept(file, entry, seen.text, entry.parsed)
}

function shareOfAbsent(root: string, file: string, entry: Entry, view: View, entries: Map<string, Entry>): Share {
  if (!view.known) return keep(file, entry, {})
  if (!view.settled) return keep(file, entry, { pending: true })
  const claimed = (entry.good?.objects ?? []).map(keyOf).filter(view.isClaimed)
  if (claimed.length > 0) return keep(file, entry, { problems: [held(root, file, claimed)] })
  delete entry.good
  delete entry.parsed
  if (entry.saved === undefined) entries.delete(file)
  return { file, objects: [], live: true, pending: false, problems: [] }
}

function keep(file: string, entry: Entry, { pending = false, problems = [] as Problem[] }): Share {
  return { file, objects: entry.good?.objects ?? [], live: problems.length > 0, pending, problems }
}

/** The objects of an unchanged text stay the same ones, so that a consumer sees at once that nothing changed. */
function accept(file: string, entry: Entry, text: string, parsed: ParsedFile): Share {
  if (entry.good?.text !== text || lacksObjects(entry)) {
    entry.good = { text, objects: parsed.objects, keys: parsed.objects.map(keyOf) }
  }
  return { file, objects: entry.good?.objects ?? [], live: true, pending: false, problems: parsed.problems }
}

function merge(
  root: string,
  shares: Share[],
  entries: Map<string, Entry>,
): { objects: Map<string, Declared>; problems: Problem[] } {
  const owners = new Map([...entries].flatMap(([file, { saved }]) => (saved?.keys ?? []).map(key => [key, join(root, file)])))
  const all = shares.flatMap(share => share.objects)
  const { objects, duplicates } = withoutDuplicates(all, key => owners.get(key))
  const waiting = new Set(shares.filter(share => !share.live).map(share => join(root, share.file)))
  const real = duplicates.filter(({ loser, winner }) => !waiting.has(loser.origin.file) && !waiting.has(winner.origin.file))
  return { objects, problems: real.map(duplicateName) }
}

/** Keeps each good text with the objects that it owns, and writes only what has changed. */
function save(objects: Map<string, Declared>, root: string, entries: Map<string, Entry>, lastGood: LastGood): void {
  const owned = Map.groupBy(objects.keys(), key => relative(root, objects.get(key)?.origin.file ?? root))
  for (const [file, entry] of entries) {
    const next = entry.good && { text: entry.good.text, keys: lacksObjects(entry) ? entry.good.keys : (owned.get(file) ?? []) }
    if (next?.text === entry.saved?.text && String(next?.keys) === String(entry.saved?.keys)) continue
    lastGood.save(file, next)
    if (next === undefined) entries.delete(file)
    else entry.saved = next
  }
}

/** A text that an earlier controller took for good and that this one cannot read in full: its objects are not gone, but unknown. */
function lacksObjects({ good }: Entry): boolean {
  if (good === undefined) return false
  const present = new Set(good.objects.map(keyOf))
  return good.keys.some(key => !present.has(key))
}

function lostKeys(good: Good | undefined, parsed: ParsedFile): string[] {
  const present = new Set(parsed.objects.map(keyOf))
  return (good?.keys ?? []).filter(key => !present.has(key))
}

function isBad(parsed: ParsedFile): boolean {
  return parsed.problems.some(problem => problem.severity === 'error')
}

function keyOf(declared: Declared): string {
  return objectKey(declared.resource)
}

function cutOff(root: string, file: string, text: string, lost: string[]): Problem {
  const line = text.trimEnd().split('\n').length
  return {
    ...wholeFile(join(root, file)),
    line,
    category: 'syntax',
    reason: 'TruncatedFile',
    message: `the file ends where it went on before: ${listed(lost)} ${lost.length === 1 ? 'is' : 'are'} missing and kept`,
    hint: 'write the file in full; if the rest was removed on purpose, end the file with a line "..." or a comment',
  }
}

function held(root: string, file: string, keys: string[]): Problem {
  return {
    ...wholeFile(join(root, file)),
    severity: 'warning',
    category: 'syntax',
    reason: 'RemovalHeld',
    message: `${listed(keys)} ${keys.length === 1 ? 'is' : 'are'} no longer declared here, and kept while a bad file may declare it`,
    hint: 'mend the files with errors; then the removal takes effect',
  }
}

function listed(keys: string[]): string {
  const shown = keys.slice(0, 5).join(', ')
  return keys.length > 5 ? `${shown} and ${keys.length - 5} more` : shown
}
