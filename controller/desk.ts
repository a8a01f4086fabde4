import type { Logger } from 'pino'
import { keyOf } from '../crds/contract/resource.ts'
import { isKindName } from '../crds/kinds.ts'
import { checkConsistency } from './consistency/consistency.ts'
import { cataloguesOf } from './consistency/input.ts'
import { ingredients } from './dependents.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { Clock } from './runtime/clock.ts'
import { type CatalogueLoader, openCatalogues } from './sources/catalogue.ts'
import type { Problem } from './sources/problem.ts'
import type { Snapshot } from './sources/source.ts'
import type { Change, DeclaredStore } from './store/declared.ts'
import type { NewEvent } from './store/event.ts'
import type { Store } from './store/store.ts'

/**
 * Takes what the source reads into the store, and says which keys to look at. Holds the problems of the newest read, of files and
 * between objects.
 */
export type Desk = {
  take(snapshot: Snapshot): Promise<void>
  problems(): Problem[]
  snapshot(): Snapshot | undefined
  /** Time of the newest snapshot, ms since 1970. */
  readAt(): number | undefined
  catalogues: CatalogueLoader
}

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
  let current: { snapshot: Snapshot; problems: Problem[]; readAt: number } | undefined
  return {
    catalogues,
    problems: () => current?.problems ?? [],
    snapshot: () => current?.snapshot,
    readAt: () => current?.readAt,
    async take(snapshot) {
      const { objects } = snapshot
      const between = checkConsistency({
        objects,
        catalogues: await catalogues.load(cataloguesOf(objects)),
        env: options.environment,
      })
      const problems = [...snapshot.problems, ...between]
      const before = current?.problems ?? []
      const changes = options.store.declared.accept({ objects: snapshot.objects.values(), complete: snapshot.complete })
      const first = current === undefined
      current = { snapshot, problems, readAt: options.clock.now() }
      report(problems, before, snapshot, options)
      options.onAffected(first ? everything(options.store) : affected(changes, problems, before, options.store.declared))
    },
  }
}

/** After a start: all that is declared, and all that is remembered and no longer declared. */
function everything({ declared, memory }: Store): Set<string> {
  const ids = declared.all().map(({ resource }) => `${resource.kind}/${keyOf(resource.metadata)}`)
  return new Set([...ids, ...memory.feeds().map(key => `Feed/${key}`)])
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
function report(problems: Problem[], before: Problem[], snapshot: Snapshot, { metrics, log, clock, onEvent }: DeskOptions): void {
  const known = new Set(before.map(identity))
  for (const problem of problems.filter(candidate => !known.has(identity(candidate)))) {
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
  metrics.sourceComplete.set(snapshot.complete ? 1 : 0)
  metrics.sourceRead.set(clock.now() / 1000)
  for (const severity of ['error', 'warning'] as const)
    metrics.sourceProblems.set({ severity }, problems.filter(problem => problem.severity === severity).length)
}

function subjectOf({ kind, namespace, name, file }: Problem): { kind: string; key: string } {
  return kind && name ? { kind, key: `${namespace ?? 'default'}/${name}` } : { kind: 'Source', key: file }
}
