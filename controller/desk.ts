import type { Logger } from 'pino'
import { keyOf } from '../crds/contract/resource.ts'
import { isKindName } from '../crds/kinds.ts'
import { checkConsistency } from './consistency/consistency.ts'
import { cataloguesOf } from './consistency/input.ts'
import { approvalOf, deletionProblems, heldDeletions, heldFeeds } from './deletions.ts'
import { ingredients } from './dependents.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { Clock } from './runtime/clock.ts'
import { type CatalogueLoader, openCatalogues } from './sources/catalogue.ts'
import type { Problem } from './sources/problem.ts'
import type { Snapshot } from './sources/source.ts'
import type { Change, DeclaredStore } from './store/declared.ts'
import type { NewEvent } from './store/event.ts'
import type { Held } from './store/held.ts'
import type { Store } from './store/store.ts'

/**
 * Takes what the source reads into the store, and says which keys to look at. Holds the problems of the newest read, of files and
 * between objects.
 */
export type Desk = {
  take(snapshot: Snapshot): Promise<void>
  problems(): Problem[]
  snapshot(): Snapshot | undefined
  /** Fulfilled once the first snapshot was taken. Before, the store has what was declared in an earlier life, and nobody knows what is wrong with it. */
  isOpen: Promise<void>
  /** Time of the newest snapshot, ms since 1970. */
  readAt(): number | undefined
  /** Lets the deletions go that are held, where they are exactly those that were approved. */
  approve(approval: Approval): ApprovalOutcome
  catalogues: CatalogueLoader
}

/** `digest` as `feedctl approve` shows it; `by` is who says so, in words of their own. */
export type Approval = { digest: string; by: string }

/** What went, by `Kind/namespace/name`; or why nothing did. */
export type ApprovalOutcome = { removed: string[] } | { refused: string }

/** How long a catalogue file is believed to be as it was, in ms. */
const catalogueFreshMs = 1000

export type DeskOptions = {
  store: Store
  clock: Clock
  dataDirectory: string
  environment: NodeJS.ProcessEnv
  metrics: ControllerMetrics
  log: Logger
  /** `Kind/namespace/name` of what may have to change. */
  onAffected: (ids: Set<string>) => void
  onEvent: (event: NewEvent) => void
}

export function openDesk(options: DeskOptions): Desk {
  const catalogues = openCatalogues(options.dataDirectory, catalogueFreshMs)
  const { store, clock, metrics, onEvent } = options
  let current: { snapshot: Snapshot; own: Problem[]; problems: Problem[]; readAt: number } | undefined

  const opened = Promise.withResolvers<void>()

  /** Brings the store to the snapshot; without `approved`, what would take most feeds away stays. */
  const settle = (snapshot: Snapshot, own: Problem[], { approved }: { approved: boolean }): void => {
    const first = current === undefined
    const before = current?.problems ?? []
    const held = approved ? undefined : heldDeletions(snapshot, store.declared.all(), store.held.get(), clock.now())
    // Held before anything goes, and free only once all of it is gone: a controller that dies in between holds too much, never too little.
    if (held) store.held.put(held)
    const changes = store.declared.accept({ objects: snapshot.objects.values(), complete: snapshot.complete && !held })
    if (!held) store.held.put(undefined)
    const problems = [...own, ...(held ? deletionProblems(held, key => store.declared.get('Feed', key)) : [])]
    current = { snapshot, own, problems, readAt: clock.now() }
    metrics.heldDeletions.set(held ? heldFeeds(held).length : 0)
    report(problems, before, snapshot, options)
    options.onAffected(first ? everything(store) : affected(changes, problems, before, store.declared))
    opened.resolve()
  }

  return {
    catalogues,
    problems: () => current?.problems ?? [],
    snapshot: () => current?.snapshot,
    isOpen: opened.promise,
    readAt: () => current?.readAt,
    async take(snapshot) {
      const { objects } = snapshot
      const between = checkConsistency({
        objects,
        catalogues: await catalogues.load(cataloguesOf(objects)),
        env: options.environment,
      })
      settle(snapshot, [...snapshot.problems, ...between], { approved: false })
    },
    approve(approval) {
      const held = store.held.get()
      if (!held) return { refused: 'no deletion is held' }
      if (approval.digest !== approvalOf(held))
        return { refused: `what is held now is ${approvalOf(held)}, not ${approval.digest}: look at it first` }
      if (!current?.snapshot.complete) return { refused: 'the source cannot be read whole now, so nobody knows what is deleted' }
      onEvent(approvalEvent(approval, held, clock.now()))
      settle(current.snapshot, current.own, { approved: true })
      return { removed: held.ids }
    },
  }
}

/** Feeds that the event names; each that goes has an event of its own too. */
const namedFeeds = 50

function approvalEvent({ digest, by }: Approval, held: Held, at: number): NewEvent {
  const feeds = heldFeeds(held)
  const more = feeds.length > namedFeeds ? ` and ${feeds.length - namedFeeds} more` : ''
  return {
    ...{ at, kind: 'Source', key: 'deletions', type: 'Normal', reason: 'DeletionsApproved' },
    message: `${by} approved ${digest}: ${feeds.length} feeds go: ${feeds.slice(0, namedFeeds).join(', ')}${more}`,
  }
}

/** After a start: all that is declared, and all that is remembered and no longer declared. */
function everything({ declared, memory, drills, stacks }: Store): Set<string> {
  const ids = declared.all().map(({ resource }) => `${resource.kind}/${keyOf(resource.metadata)}`)
  const remembered = [
    ...memory.feeds().map(key => `Feed/${key}`),
    ...drills.list().map(key => `FailoverDrill/${key}`),
    ...stacks.list().map(key => `Stack/${key}`),
  ]
  return new Set([...ids, ...remembered])
}

function affected(changes: Change[], problems: Problem[], before: Problem[], declared: DeclaredStore): Set<string> {
  const ids = new Set(changes.map(({ kind, key }) => `${kind}/${key}`))
  const touched = new Set([
    ...ids,
    ...difference(problems, before).flatMap(({ kind, namespace, name }) => (name ? [`${kind}/${namespace}/${name}`] : [])),
  ])
  const files = new Set(difference(problems, before).map(({ file }) => file))
  for (const feed of declared.list('Feed')) {
    const profile = declared.get('FeedProfile', `${feed.resource.metadata.namespace}/${feed.resource.spec.profileRef}`)
    const parts = ingredients(feed, profile)
    if (parts.some(id => touched.has(id) || files.has(fileOf(id, declared) ?? '')))
      ids.add(`Feed/${keyOf(feed.resource.metadata)}`)
  }
  for (const { resource } of declared.list('Stack')) {
    const parts = [`Stack/${keyOf(resource.metadata)}`, `Host/${resource.metadata.namespace}/${resource.spec.hostRef}`]
    if (parts.some(id => touched.has(id))) ids.add(`Stack/${keyOf(resource.metadata)}`)
  }
  return ids
}

/** The file that declares an object: a mistake in it is shown by every feed that is made from it. */
function fileOf(id: string, declared: DeclaredStore): string | undefined {
  const [kind = '', ...key] = id.split('/')
  return isKindName(kind) ? declared.get(kind, key.join('/'))?.origin.file : undefined
}

/** Problems that are new, and problems that are gone. */
function difference(problems: Problem[], before: Problem[]): Problem[] {
  const was = new Set(before.map(identity))
  const is = new Set(problems.map(identity))
  return [...problems.filter(problem => !was.has(identity(problem))), ...before.filter(problem => !is.has(identity(problem)))]
}

function identity({ file, line, column, path, reason, message }: Problem): string {
  return JSON.stringify([file, line, column, path, reason, message])
}

/** Each new problem is told once: as a log line, an event and in the metrics. */
function report(problems: Problem[], before: Problem[], snapshot: Snapshot, options: DeskOptions): void {
  const { store, metrics, clock } = options
  const known = new Set(before.map(identity))
  const news = problems.filter(candidate => !known.has(identity(candidate)))
  // Thousands may come at once, and each write alone waits for the disk.
  const tellAll = () => {
    for (const problem of news) tell(problem, options)
  }
  if (news.length > 0) store.transaction(tellAll)
  metrics.sourceComplete.set(snapshot.complete ? 1 : 0)
  metrics.sourceRead.set(clock.now() / 1000)
  for (const severity of ['error', 'warning'] as const)
    metrics.sourceProblems.set({ severity }, problems.filter(problem => problem.severity === severity).length)
}

function tell(problem: Problem, { log, clock, onEvent }: DeskOptions): void {
  const { file, line, column, path, reason, message, hint, severity } = problem
  log[severity === 'error' ? 'error' : 'warn'](
    { file, line, column, path, reason, detail: message, hint },
    'declared YAML has a problem',
  )
  onEvent({
    at: clock.now(),
    ...subjectOf(problem),
    type: 'Warning',
    reason,
    message: `${file}:${line}:${column}: ${path ? `${path}: ` : ''}${message}: ${hint}`,
  })
}

function subjectOf({ kind, namespace, name, file }: Problem): { kind: string; key: string } {
  return kind && name ? { kind, key: `${namespace ?? 'default'}/${name}` } : { kind: 'Source', key: file }
}
