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
  /** The engine of a declared host; opened when new, and anew, after the old one has closed, when its settings have changed. */
  of(host: Declared<'Host'>): Promise<HostEngine>
  /** The engine of a host that may not be declared any more. */
  known(hostKey: string): Promise<HostEngine> | undefined
  close(): Promise<void>
}

export type RegistryOptions = {
  open: (host: Declared<'Host'>) => Engine
  /** Told which feed's workload may have changed, as its owner label has it; no owner when any may have. */
  onHint: (hostKey: string, owner?: string) => void
  onWatchFailed: (hostKey: string, error: unknown) => void
}

type Opened = HostEngine & { close(): Promise<void> }
type Entry = { digest: string; opened: Promise<Opened> }

export function engineRegistry(options: RegistryOptions): EngineRegistry {
  const entries = new Map<string, Entry>()
  return {
    of(host) {
      const hostKey = keyOf(host.resource.metadata)
      const digest = digestOf(host.resource.spec)
      const present = entries.get(hostKey)
      if (present?.digest === digest) return present.opened
      const opened = reopen(present, () => start(hostKey, host, options))
      entries.set(hostKey, { digest, opened })
      return opened
    },
    known: hostKey => entries.get(hostKey)?.opened,
    async close() {
      await Promise.all([...entries.values()].map(async ({ opened }) => (await opened).close()))
      entries.clear()
    },
  }
}

/** Two engines never hold one host at the same time. */
async function reopen(present: Entry | undefined, open: () => Opened): Promise<Opened> {
  if (present) await (await present.opened).close()
  return open()
}

function start(hostKey: string, host: Declared<'Host'>, { open, onHint, onWatchFailed }: RegistryOptions): Opened {
  const engine = open(host)
  const stop = new AbortController()
  const shared = sharedList(engine)
  const hint = (name?: string) => {
    shared.invalidate()
    onHint(hostKey, shared.ownerOf(name))
  }
  const watching = engine.watch(hint, stop.signal).catch(error => onWatchFailed(hostKey, error))
  const close = async () => {
    stop.abort()
    await watching
    await engine.close()
  }
  return { engine, workloads: shared.list, invalidate: shared.invalidate, close }
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
