import { createHash } from 'node:crypto'
import { type Fault, stalled, transient } from '../../crds/contract/fault.ts'
import { type Engine, type Image, labels, type WorkloadFile, type WorkloadSpec } from '../engines/engine.ts'
import { abortable } from '../engines/mutex.ts'
import { nameHeld, notOurs, ownerOf } from '../engines/ownership.ts'
import { checkFiles, checkName, checkSpec } from '../engines/specification.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Run, SimulatedWorkload } from './workload.ts'

/** What an image does when a workload is started from it. */
export type Program = (workload: SimulatedWorkload) => Run

export type SimulatedEngineSettings = {
  clock: Clock
  installation: string
  /** Images that are on the host, by reference. */
  present: Set<string>
  /** Images that the registry has, by reference. */
  registry: Set<string>
  program: Program
  /** Ids of new workloads; random ones where absent. */
  newId?: () => string
}

/** An engine in memory, for tests of what stands on `Engine`; beyond it, a hand to do what the world does to workloads. */
export type SimulatedEngine = Engine & {
  workloads: Map<string, SimulatedWorkload>
  /** While set, every call fails as if nobody answered. */
  isAway: boolean
  /** Networks that there are, and who made them: an installation, or somebody else. */
  networks: Map<string, string | undefined>
  /** Puts something there that is not ours. */
  addStranger(name: string): SimulatedWorkload
  /** Tells watchers of a change that was made by hand. */
  changed(name: string): void
}

export function simulatedEngine(settings: SimulatedEngineSettings): SimulatedEngine {
  const { installation, clock, present, registry, program, newId } = settings
  const workloads = new Map<string, SimulatedWorkload>()
  const watchers = new Set<(name?: string) => void>()
  const networks = new Map<string, string | undefined>()
  const changed = (name: string) => {
    for (const watcher of watchers) watcher(name)
  }
  const find = (nameOrId: string) => workloads.get(nameOrId) ?? [...workloads.values()].find(({ id }) => id === nameOrId)
  const ours = (name: string, verb: string) => {
    const found = find(name)
    if (found && ownerOf(found.spec.labels, installation) === undefined) throw notOurs(name, verb)
    return found
  }
  const needed = (name: string, verb: string) => {
    const found = ours(name, verb)
    if (!found) throw transient('WorkloadMissing', `cannot ${verb} ${name}: there is no such workload`)
    return found
  }
  const imageOf = (reference: string): Image | undefined => {
    const named = [...present].find(name => name === reference || digestOf(name) === reference)
    return named === undefined ? undefined : { reference, digest: digestOf(named) }
  }
  const hold = (name: string, owner: string | undefined) => {
    const holder = workloads.get(name)
    if (holder) throw nameHeld(name, { id: holder.id, labels: holder.spec.labels }, { installation, owner })
  }
  const answer = async <T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> => {
    if (signal.aborted) throw timedOut()
    if (engine.isAway) throw transient('EngineUnreachable', 'the simulated engine is away')
    return work()
  }
  const add = (spec: WorkloadSpec, image: string) => {
    const workload = new SimulatedWorkload(spec, image, { clock, program, changed, newId })
    workloads.set(spec.name, workload)
    changed(spec.name)
    return workload
  }
  const engine: SimulatedEngine = {
    type: 'process',
    workloads,
    networks,
    isAway: false,
    changed,
    addStranger: name => add(strangerSpec(name), 'stranger'),
    version: signal => answer(signal, () => 'Node v24.0.0'),
    clock: signal => answer(signal, () => clock.now()),
    list: signal =>
      answer(signal, () =>
        [...workloads.values()].map(workload => workload.view(installation)).filter(({ owner }) => owner !== undefined),
      ),
    inspect: (nameOrId, signal) => answer(signal, () => find(nameOrId)?.view(installation)),
    findImage: (reference, signal) => answer(signal, () => imageOf(reference)),
    pullImage: (reference, signal) =>
      answer(signal, () => {
        const named = [...registry].find(name => name === reference || digestOf(name) === reference)
        if (named === undefined) throw stalled('ImageNotFound', `the registry has no ${reference}`)
        present.add(named)
        return { reference, digest: digestOf(named) }
      }),
    create: (spec, signal) =>
      answer(signal, () => {
        checkSpec(spec)
        if (spec.binds.length > 0) throw stalled('InvalidSpec', 'a simulated workload has no binds')
        hold(spec.name, spec.labels[labels.owner])
        const image = [...present].find(name => name === spec.image || digestOf(name) === spec.image)
        if (image === undefined) throw transient('ImageMissing', `there is no ${spec.image} any more`)
        if (!networks.has(spec.network)) networks.set(spec.network, installation)
        return add(spec, image).id
      }),
    writeFiles: (name, files: WorkloadFile[], signal) =>
      answer(signal, () => {
        checkFiles(files)
        needed(name, 'write files of').write(files)
      }),
    start: (name, signal) => answer(signal, () => needed(name, 'start').start()),
    stop: (name, signal) => answer(signal, () => within(ours(name, 'stop')?.stop(), signal)),
    rename: (from, to, signal) =>
      answer(signal, () => {
        checkName(to)
        const workload = needed(from, 'rename')
        if (from === to) return
        hold(to, workload.spec.labels[labels.owner])
        workloads.delete(from)
        workload.name = to
        workloads.set(to, workload)
        changed(from)
        changed(to)
      }),
    remove: (name, signal) =>
      answer(signal, async () => {
        const workload = ours(name, 'remove')
        if (!workload) return
        await within(workload.stop(), signal)
        if (workloads.get(workload.name) === workload) workloads.delete(workload.name)
        changed(name)
      }),
    connect: (name, signal) =>
      answer(signal, () => {
        needed(name, 'connect').isDisconnected = false
        changed(name)
      }),
    releaseNetwork: (network, signal) =>
      answer(signal, () => {
        const isUsed = [...workloads.values()].some(({ spec }) => spec.network === network)
        if (networks.get(network) === installation && !isUsed) networks.delete(network)
      }),
    logs: (name, lines, signal) => answer(signal, () => find(name)?.logs(lines) ?? ''),
    async watch(onChange, signal) {
      watchers.add(onChange)
      onChange()
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
      watchers.delete(onChange)
    },
    close: async () => watchers.clear(),
  }
  return engine
}

/** Content address of a simulated image: of its name, because it has nothing else. */
export function digestOf(reference: string): string {
  return `simulated@sha256:${createHash('sha256').update(reference).digest('hex')}`
}

async function within(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (!work) return
  try {
    await abortable(work, signal)
  } catch (error) {
    throw signal.aborted ? timedOut() : error
  }
}

const timedOut = (): Fault => transient('EngineTimeout', 'the simulated engine took too long')

function strangerSpec(name: string): WorkloadSpec {
  const size = { memoryBytes: 1, pidsLimit: 1, logMaxBytes: 1, logMaxFiles: 1, stopGraceMs: 1 }
  const place = { project: '', service: '', network: '', port: 1, reach: 'published' } as const
  return { name, image: 'stranger', labels: {}, env: {}, binds: [], files: [], ...size, ...place }
}
