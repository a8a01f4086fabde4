import { digestOnce } from '../../crds/contract/digest.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import type { Declared } from '../store/declared.ts'
import { type Engine, labels, type Workload } from './engine.ts'

/** How long a list of workloads serves several feeds that ask at the same time, in ms. A hint or a write of ours ends it at once. */
const listTtlMs = 250

/** The engine of one host, with a list that many feeds share. */
export type HostEngine = {
  engine: Engine
  /** Workloads of this installation. */
  workloads(signal: AbortSignal): Promise<Workload[]>
  /** What was listed may be old: list again when asked. */
  invalidate(): void
}

export type EngineRegistry = {
  /**
   * The engine of a host; opened when new, and anew, after the old one has closed, when its settings have changed. Rejects with what
   * opening failed with, and tries again when asked again.
   */
  of(host: Declared<'Host'>): Promise<HostEngine>
  /**
   * Keys of the hosts that showed something of this owner when they were listed last, by whomever. Asks nobody. So whatever comes late is
   * found: a creation that hung may come after all when its host has long been seen empty.
   */
  holding(owner: string): string[]
  close(): Promise<void>
}

export type RegistryOptions = {
  open: (host: Declared<'Host'>) => Engine
  /** Told which feed's workload may have changed, as its owner label has it; no owner when any may have. */
  onHint: (hostKey: string, owner?: string) => void
  onWatchFailed: (hostKey: string, error: unknown) => void
  /** Monotonic time in ms; a simulation puts its own in its place. */
  now?: () => number
}

type Opened = HostEngine & { close(): Promise<void> }
type Entry = { digest: string; opened: Promise<Opened> }

export function engineRegistry(options: RegistryOptions): EngineRegistry {
  const entries = new Map<string, Entry>()
  const owners = new Map<string, ReadonlySet<string>>()
  return {
    of(host) {
      const hostKey = keyOf(host.resource.metadata)
      const digest = digestOnce(host.resource.spec)
      const present = entries.get(hostKey)
      if (present?.digest === digest) return present.opened
      const opened = reopen(present, () => start(hostKey, host, options, its => owners.set(hostKey, its)))
      const entry = { digest, opened }
      entries.set(hostKey, entry)
      opened.catch(() => {
        if (entries.get(hostKey) === entry) entries.delete(hostKey)
      })
      return opened
    },
    holding: owner => [...owners].filter(([, its]) => its.has(owner)).map(([hostKey]) => hostKey),
    async close() {
      await Promise.all([...entries.values()].map(closeOpened))
      entries.clear()
    },
  }
}

/** Two engines never hold one host at the same time. */
async function reopen(present: Entry | undefined, open: () => Opened): Promise<Opened> {
  if (present) await closeOpened(present)
  return open()
}

/** One that could not be opened has nothing to close. */
async function closeOpened({ opened }: Entry): Promise<void> {
  const engine = await opened.catch(() => undefined)
  await engine?.close()
}

type OnListed = (owners: ReadonlySet<string>) => void

function start(
  hostKey: string,
  host: Declared<'Host'>,
  { open, onHint, onWatchFailed, now }: RegistryOptions,
  onListed: OnListed,
): Opened {
  const engine = open(host)
  const stop = new AbortController()
  const shared = sharedList(engine, onListed, now)
  const hint = (name?: string) => {
    const owner = shared.ownerOf(name)
    shared.invalidate()
    if (owner !== undefined) return onHint(hostKey, owner)
    if (name === undefined) onHint(hostKey)
    // A name that was not listed yet, such as one just made: ask whose it is instead of looking at every feed. Without a name, whose all
    // are: one that nobody remembers is told of here alone.
    shared.list(stop.signal).then(
      () => {
        for (const its of shared.owners(name)) onHint(hostKey, its)
      },
      () => undefined,
    )
  }
  const watching = engine.watch(hint, stop.signal).catch(error => onWatchFailed(hostKey, error))
  const close = async () => {
    stop.abort()
    await watching
    await engine.close()
  }
  return { engine, workloads: shared.list, invalidate: shared.invalidate, close }
}

function sharedList(engine: Engine, onListed: OnListed, now = () => performance.now()) {
  let current: { at: number; promise: Promise<Workload[]> } | undefined
  const owners = new Map<string, string>()
  const remember = (workloads: Workload[]) => {
    owners.clear()
    for (const { name, labels: its } of workloads) owners.set(name, its[labels.owner] ?? '')
    onListed(new Set(owners.values()))
    return workloads
  }
  return {
    ownerOf: (name: string | undefined) => (name === undefined ? undefined : owners.get(name)),
    owners: (name: string | undefined) =>
      new Set(name === undefined ? owners.values() : [owners.get(name)].filter(its => its !== undefined)),
    invalidate: () => {
      current = undefined
    },
    list: (signal: AbortSignal): Promise<Workload[]> => {
      if (current && now() - current.at < listTtlMs) return current.promise
      const mine = { at: now(), promise: engine.list(signal).then(remember) }
      current = mine
      mine.promise.catch(() => {
        if (current === mine) current = undefined
      })
      return mine.promise
    },
  }
}
