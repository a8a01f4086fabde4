import type { Logger } from 'pino'
import { asFault } from '../../crds/contract/fault.ts'
import { heldDeletions } from '../deletions.ts'
import { ingredients } from '../dependents.ts'
import type { Desk } from '../desk.ts'
import { imagePuller } from '../engines/puller.ts'
import { engineRegistry } from '../engines/registry.ts'
import { type Ports, reconcile } from '../kinds/reconcile.ts'
import { readSource } from '../reader.ts'
import { parseResourceId, resourceId } from '../resourceid.ts'
import { runLoop } from '../runtime/loop.ts'
import { KeyQueue } from '../runtime/queue.ts'
import type { Result } from '../runtime/result.ts'
import type { Problem } from '../sources/problem.ts'
import type { Snapshot, Source } from '../sources/source.ts'
import { storeOf } from '../store/store.ts'
import type { Line } from './call.ts'
import { catalogues, type HostName } from './declaration.ts'
import { simulatedClient } from './feed.ts'
import { folderSource, type Hints } from './folder.ts'
import type { Life } from './life.ts'
import { noDrills } from './nodrills.ts'
import { noStacks } from './nostacks.ts'
import type { OnWrite } from './ports.ts'
import { reachedEngine, reachedFeeds, reachedSecrets } from './ports.ts'
import { mortalDatabase } from './state.ts'
import { secretsOf, type World } from './world.ts'

/** Somebody who looks over the controller's shoulder. */
export type Observer = {
  onWrite: OnWrite
  onLook(id: string): void
  onResult(id: string, result: Result): void
  onEvent(text: string): void
  onStatus(kind: string, key: string, ports: Ports): void
}

/** Puts a bug into what the controller stands on. */
export type Plant = (ports: Ports, world: World) => Ports

/** Settings of the controller: looks at the same time, and ms between looks at what has converged. */
const concurrency = 4
export const resyncMs = 10_000

export type Incumbent = {
  life: Life
  queue: KeyQueue
  /** Whether it lives and has taken over the newest snapshot of the folder; a disk that refuses it puts that off. */
  isRead(): boolean
  /** The operator approves the deletions that are held. */
  approve(): void
}

/**
 * The controller that is in office, put together as `controller.ts` does it: the real queue, loop, reconcilers, ledger, puller and
 * registry, with simulated ends to all lines that lead out of it.
 */
export function takeOffice(world: World, life: Life, observer: Observer, plant: Plant = ports => ports): Incumbent {
  const { scheduler, trace, random, fates, answers, astray, engines, disk, database } = world
  const line: Line = { life, fates, random, scheduler, trace, answers, astray }
  const store = storeOf(mortalDatabase(database, life, disk), () => undefined)
  const queue = new KeyQueue(life.clock, random.next)
  const addFeeds = () => {
    for (const key of store.memory.feeds()) queue.add(resourceId('Feed', key))
  }
  const client = simulatedClient(world.feeds)
  let problems: Problem[] = []
  const open = (host: HostName) => {
    const engine = engines.get(host)
    if (!engine) throw new Error(`there is no host ${host}`)
    return reachedEngine(host, engine, line, observer.onWrite)
  }
  const ports: Ports = plant(
    {
      ...{ clock: life.clock, store, declared: store.declared },
      engines: engineRegistry({
        open: host => open(host.resource.metadata.name as HostName),
        onHint: (_host, owner) => (owner?.startsWith('Feed/') ? queue.hint(owner) : addFeeds()),
        onWatchFailed: (host, error) => life.isOver || trace.add(host, `watch failed ${asFault(error).message}`),
        now: life.clock.now,
      }),
      images: imagePuller(life.clock, addFeeds, life.signal),
      secrets: reachedSecrets(name => secretsOf(name, world.secrets), line),
      feeds: reachedFeeds(client, line, observer.onWrite),
      dial: async () => undefined,
      catalogues: async () => catalogues,
      problems: () => problems,
      tokenOf: () => 'token',
      drills: noDrills,
      stacks: noStacks,
      onStep: (key, { action, reason }) => trace.add('step', `${key} ${action}: ${reason}`),
      onEvent: event => {
        observer.onEvent(`${event.kind}/${event.key} ${event.reason}: ${event.message}`)
        store.events.add(event)
      },
      onStatus: (kind, key) => observer.onStatus(kind, key, ports),
    },
    world,
  )
  const opened = Promise.withResolvers<void>()
  let newest: Snapshot | undefined
  /** As `desk.ts` does it. */
  const take = (snapshot: Snapshot, isApproved: boolean) => {
    const { objects, complete } = snapshot
    const { declared, held: holds } = ports.store
    const held = isApproved ? undefined : heldDeletions(snapshot, declared.all(), holds.get(), life.clock.now())
    if (held) holds.put(held)
    const changes = declared.accept({ objects: objects.values(), complete: complete && !held })
    if (!held) holds.put(undefined)
    if (changes.length > 0) trace.add('source', changes.map(({ kind, key, type }) => `${kind}/${key} ${type}`).join(', '))
    const isFirst = newest === undefined
    newest = snapshot
    opened.resolve()
    problems = snapshot.problems
    const ids = isFirst ? everything(ports) : affected(new Set(changes.map(({ kind, key }) => resourceId(kind, key))), ports)
    for (const id of ids) queue.add(id)
  }
  const hints: Hints = { onHint: () => undefined }
  let shown: Snapshot | undefined
  const folder = folderSource(world.folder, ports.store.lastGood, life.clock, hints)
  const source: Source = {
    ...folder,
    run: (onSnapshot, signal) =>
      folder.run(snapshot => {
        shown = snapshot
        onSnapshot(snapshot)
      }, signal),
  }
  const desk = { take: async (snapshot: Snapshot) => take(snapshot, false) } as Desk
  // A source that rejects ends the process.
  readSource(source, desk, silent, life.signal, life.clock).catch(error => {
    if (!life.isOver) trace.add('source', `ends the controller: ${asFault(error).message}`)
    life.end()
  })
  world.onFolder = () => void life.clock.after(random.between(1, 60), () => hints.onHint())
  const looping = {
    ...{ queue, clock: life.clock, random: random.next, ready: opened.promise, concurrency, resyncMs },
    reconcile: async (id: string, signal: AbortSignal): Promise<Result> => {
      const resource = parseResourceId(id)
      if (!resource) return { type: 'done' }
      observer.onLook(id)
      return reconcile(resource.kind, resource.key, ports, signal)
    },
    observe: (id: string, result: Result) => life.isOver || observer.onResult(id, result),
  }
  runLoop(looping, life.signal).catch(error => observer.onResult('loop', { type: 'error', fault: asFault(error) }))
  const isRead = () => !life.isOver && newest !== undefined && newest === shown
  return { life, queue, isRead, approve: () => newest && !life.isOver && take(newest, true) }
}

const silent = { error: () => undefined } as unknown as Logger

function everything({ store: { declared, memory } }: Ports): Set<string> {
  const ids = declared
    .all()
    .map(({ resource }) => resourceId(resource.kind, `${resource.metadata.namespace}/${resource.metadata.name}`))
  return new Set([...ids, ...memory.feeds().map(key => resourceId('Feed', key))])
}

/** What has changed, and the feeds that are made from it. */
function affected(ids: Set<string>, { store: { declared } }: Ports): Set<string> {
  if (ids.size === 0) return ids
  const feeds = declared.list('Feed').filter(feed => {
    const { namespace } = feed.resource.metadata
    const profile = declared.get('FeedProfile', `${namespace}/${feed.resource.spec.profileRef}`)
    return ingredients(feed, profile).some(id => ids.has(id))
  })
  return new Set([
    ...ids,
    ...feeds.map(({ resource }) => resourceId('Feed', `${resource.metadata.namespace}/${resource.metadata.name}`)),
  ])
}
