import { asFault } from '../../crds/contract/fault.ts'
import type { Engine } from './engine.ts'

/** One finished call of an engine. */
export type EngineCall = {
  name: keyof typeof kindOf
  kind: 'read' | 'write'
  seconds: number
  /** Reason of the Fault that it ended with. */
  failure: string | undefined
}

const kindOf = {
  version: 'read',
  clock: 'read',
  list: 'read',
  inspect: 'read',
  findImage: 'read',
  logs: 'read',
  pullImage: 'write',
  create: 'write',
  writeFiles: 'write',
  start: 'write',
  stop: 'write',
  rename: 'write',
  remove: 'write',
  connect: 'write',
  releaseNetwork: 'write',
} as const

/**
 * The same engine, telling of every call once it has ended, by name and time taken: "nothing to do means no write" is asserted and
 * measured with it. A call counts as a write whether or not it found anything to change. `watch` and `close` are not told of.
 */
export function countingEngine(engine: Engine, onCall: (call: EngineCall) => void): Engine {
  const counted = async <T>(name: EngineCall['name'], call: Promise<T>): Promise<T> => {
    const began = performance.now()
    const tell = (failure: string | undefined) =>
      onCall({ name, kind: kindOf[name], seconds: (performance.now() - began) / 1000, failure })
    try {
      const result = await call
      tell(undefined)
      return result
    } catch (error) {
      tell(asFault(error).reason)
      throw error
    }
  }
  return {
    type: engine.type,
    version: signal => counted('version', engine.version(signal)),
    clock: signal => counted('clock', engine.clock(signal)),
    list: signal => counted('list', engine.list(signal)),
    inspect: (name, signal) => counted('inspect', engine.inspect(name, signal)),
    findImage: (reference, signal) => counted('findImage', engine.findImage(reference, signal)),
    pullImage: (reference, signal) => counted('pullImage', engine.pullImage(reference, signal)),
    create: (spec, signal) => counted('create', engine.create(spec, signal)),
    writeFiles: (name, files, signal) => counted('writeFiles', engine.writeFiles(name, files, signal)),
    start: (name, signal) => counted('start', engine.start(name, signal)),
    stop: (name, signal) => counted('stop', engine.stop(name, signal)),
    rename: (from, to, signal) => counted('rename', engine.rename(from, to, signal)),
    remove: (name, signal) => counted('remove', engine.remove(name, signal)),
    connect: (name, signal) => counted('connect', engine.connect(name, signal)),
    releaseNetwork: (network, signal) => counted('releaseNetwork', engine.releaseNetwork(network, signal)),
    logs: (name, lines, signal) => counted('logs', engine.logs(name, lines, signal)),
    watch: (onChange, signal) => engine.watch(onChange, signal),
    close: () => engine.close(),
  }
}
