import type { DatabaseSync } from 'node:sqlite'
import type { Account } from '../../crds/contract/desired.ts'
import { stalled, transient, waiting } from '../../crds/contract/fault.ts'
import type { SecretValues } from '../secrets/secret.ts'
import { installationOf } from '../store/database.ts'
import type { Answers, Astray } from './call.ts'
import {
  type FeedName,
  feedFile,
  feedNames,
  firstWish,
  type HostName,
  hostNames,
  imageNames,
  imageReference,
  type Shared,
  sharedFile,
  strategies,
  type Wish,
} from './declaration.ts'
import { type DiskView, viewDisk } from './diskview.ts'
import { type SimulatedEngine, simulatedEngine } from './engine.ts'
import { drawFates, type Fates } from './fate.ts'
import { type Behaviour, type FeedWorld, SimulatedFeed } from './feed.ts'
import type { Folder } from './folder.ts'
import { type Random, seededRandom } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { type Disk, openDisk } from './state.ts'
import { Trace } from './trace.ts'
import type { Run, SimulatedWorkload } from './workload.ts'

/** Everything around the controller, which outlives it: time, hosts, feeds, folder, secrets, disk, and what the operator wants. */
export type World = {
  seed: number
  random: Random
  scheduler: Scheduler
  trace: Trace
  fates: Fates
  disk: Disk
  database: DatabaseSync
  view: DiskView
  engines: Map<HostName, SimulatedEngine>
  present: Set<string>
  feeds: FeedWorld
  folder: Folder
  /** Called when the folder has changed; the controller that lives sets it. */
  onFolder: () => void
  secrets: { version: number; isMissing: boolean }
  wishes: Map<FeedName, Wish>
  shared: Shared
  answers: Answers
  astray: Astray
}

/** Any text with this is a secret's. */
export const canary = 'CANARY'

const startMs = 1_700_000_000_000

export function createWorld(seed: number): World {
  const random = seededRandom(seed)
  const scheduler = new Scheduler(startMs, seededRandom(seed ^ 0x5bd1e995))
  const trace = new Trace(() => scheduler.now())
  const fates = drawFates(random)
  const database = openDisk(random)
  const feeds: FeedWorld = {
    ...{ clock: scheduler, running: new Map(), deadAccounts: new Set<Account>(), isMute: false },
    onAccepted: () => undefined,
  }
  const present = new Set<string>()
  const registry = new Set(imageNames.filter(name => name !== 'missing').map(imageReference))
  const around = {
    clock: scheduler,
    installation: installationOf(database).id,
    registry,
    present,
    program: (workload: SimulatedWorkload) => runFeed(workload, feeds),
    newId: () => random.hex(12),
  }
  const world: World = {
    ...{ seed, random, scheduler, trace, fates, database, feeds, present },
    disk: { fates, trace, isFull: false, writes: 0, written: '', statements: new Map() },
    view: viewDisk(database),
    engines: new Map(hostNames.map(name => [name, simulatedEngine(around)])),
    folder: { files: new Map(), trouble: 'none' },
    onFolder: () => undefined,
    secrets: { version: 1, isMissing: false },
    wishes: new Map(feedNames.slice(0, random.pick([1, 1, 2, 2, 3])).map(name => [name, drawWish(random)])),
    shared: { few: 1, batch: 500, logins: random.pick([1, 2, 2]) },
    answers: new Map(),
    astray: new Set(),
  }
  declare(world)
  return world
}

/** Writes the folder as the operator wants it now. */
export function declare({ folder, wishes, shared, onFolder }: World): void {
  folder.files.set('shared.yaml', sharedFile(shared))
  for (const [name, wish] of wishes) {
    if (wish.isDeclared) folder.files.set(`feed-${name}.yaml`, feedFile(name, wish))
    else folder.files.delete(`feed-${name}.yaml`)
  }
  onFolder()
}

/** What a read of the secrets of a `Credentials` gives now. */
export function secretsOf(name: string, { version, isMissing }: World['secrets']): SecretValues {
  if (isMissing) throw waiting('SecretMissing', `Credentials ${name}: PASSWORD is missing`)
  return { BROKER_ID: '1', USER_ID: `${canary}-user-${name}`, PASSWORD: `${canary}-${name}-${version}` }
}

function drawWish(random: Random): Wish {
  return {
    ...firstWish,
    strategy: random.pick(strategies),
    host: random.pick(hostNames),
    set: random.pick(['few', 'many']),
  }
}

function runFeed(workload: SimulatedWorkload, feeds: FeedWorld): Run {
  const behaviour = workload.image.slice('sim/'.length, -':1'.length)
  if (behaviour === 'unstartable') throw stalled('StartFailed', 'exec: no such file')
  if (behaviour === 'jammed') throw transient('EngineError', 'it did not start')
  if (behaviour === 'crashes') return { end: { afterMs: 50, exitCode: 1 } }
  const kind: Behaviour = behaviour === 'slow' || behaviour === 'never-logs-in' ? behaviour : 'good'
  const endpoint = `sim://${workload.id}`
  const feed = new SimulatedFeed(workload, kind, feeds)
  feeds.running.set(endpoint, feed)
  return { endpoint, gone: () => feeds.running.delete(endpoint) }
}
