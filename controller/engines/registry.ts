import { digestOf } from '../../crds/contract/digest.ts'
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
  /** The engine of a declared host; opened when new, and anew when its settings have changed. */
  of(host: Declared<'Host'>): HostEngine
  /** The engine of a host that may not be declared any more. */
  known(hostKey: string): HostEngine | undefined
  close(): Promise<void>
}

export type RegistryOptions = {
  open: (host: Declared<'Host'>) => Engine
  /** Told which feed's workload may have changed, as its owner label has it; no owner when any may have. */
  onHint: (hostKey: string, owner?: string) => void
  onWatchFailed: (hostKey: string, error: unknown) => void
}

type Entry = HostEngine & { digest: string; stop: AbortController; watching: Promise<void> }

export function engineRegistry({ open, onHint, onWatchFailed }: RegistryOptions): EngineRegistry {
  const entries = new Map<string, Entry>()
  const retired: Promise<void>[] = []
  const start = (host: Declared<'Host'>, digest: string): Entry => {
    const hostKey = keyOf(host.resource.metadata)
    const engine = open(host)
    const stop = new AbortController()
    const shared = sharedList(engine)
    const hint = (name?: string) => {
      shared.invalidate()
      onHint(hostKey, shared.ownerOf(name))
    }
    const watching = engine.watch(hint, stop.signal).catch(error => onWatchFailed(hostKey, error))
    const entry = { engine, digest, stop, watching, workloads: shared.list, invalidate: shared.invalidate }
    entries.set(hostKey, entry)
    return entry
  }
  return {
    of(host) {
      const digest = digestOf(host.resource.spec)
      const present = entries.get(keyOf(host.resource.metadata))
      if (present?.digest === digest) return present
      if (present) retired.push(retire(present))
      return start(host, digest)
    },
    known: hostKey => entries.get(hostKey),
    async close() {
      await Promise.all([...retired, ...[...entries.values()].map(retire)])
      entries.clear()
    },
  }
}

async function retire({ engine, stop, watching }: Entry): Promise<void> {
  stop.abort()
  await watching
  await engine.close()
}

function sharedList(engine: Engine) {
  let current: { at: number; promise: Promise<Workload[]> } | undefined
  const owners = new Map<string, string>()
  const remember = (workloads: Workload[]) => {
    owners.clear()
    for (const { name, labels: its } of workloads) owners.set(name, its[labels.owner] ?? '')
    return workloads
  }
  return {
    ownerOf: (name: string | undefined) => (name === undefined ? undefined : owners.get(name)),
    invalidate: () => {
      current = undefined
    },
    list: (signal: AbortSignal): Promise<Workload[]> => {
      if (current && performance.now() - current.at < listTtlMs) return current.promise
      const mine = { at: performance.now(), promise: engine.list(signal).then(remember) }
      current = mine
      mine.promise.catch(() => {
        if (current === mine) current = undefined
      })
      return mine.promise
    },
  }
}
