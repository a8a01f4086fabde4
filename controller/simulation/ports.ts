import type { Engine } from '../engines/engine.ts'
import type { FeedClient } from '../kinds/feed/ports.ts'
import type { SecretReader, SecretValues } from '../secrets/secret.ts'
import { type Line, make } from './call.ts'
import type { SimulatedEngine } from './engine.ts'

/** Deadlines of the real ones, in ms: `engines/docker`, `feedclient.ts`, a Vault behind a proxy, a pull that a registry drops. */
const deadlinesMs = { engine: 10_000, feed: 2000, secrets: 5000, pull: 60_000 } as const

const engineReads = new Set(['version', 'clock', 'list', 'inspect', 'findImage', 'logs'])

/** Told of each write to an engine or a feed when it is sent, whatever becomes of it. */
export type OnWrite = (write: { to: string; verb: string; target: string }) => void

/** The engine as a controller reaches it: over a line on which calls go astray and hints are lost, late or told twice. */
export function reachedEngine(host: string, engine: SimulatedEngine, line: Line, onWrite: OnWrite): Engine {
  const through = <T>(verb: string, target: string, signal: AbortSignal, effect: () => Promise<T>): Promise<T> => {
    const kind = engineReads.has(verb) ? 'read' : 'write'
    const deadlineMs = verb === 'pullImage' ? deadlinesMs.pull : deadlinesMs.engine
    if (kind === 'write') onWrite({ to: host, verb, target })
    return make({ to: host, text: target ? `${verb} ${target}` : verb, kind, deadlineMs, signal, effect }, line)
  }
  return {
    type: engine.type,
    version: signal => through('version', '', signal, () => engine.version(world)),
    clock: signal => through('clock', '', signal, () => engine.clock(world)),
    list: signal => through('list', '', signal, () => engine.list(world)),
    inspect: (name, signal) => through('inspect', name, signal, () => engine.inspect(name, world)),
    findImage: (reference, signal) => through('findImage', reference, signal, () => engine.findImage(reference, world)),
    pullImage: (reference, signal) => through('pullImage', reference, signal, () => engine.pullImage(reference, world)),
    create: (spec, signal) => through('create', spec.name, signal, () => engine.create(spec, world)),
    writeFiles: (name, files, signal) => through('writeFiles', name, signal, () => engine.writeFiles(name, files, world)),
    start: (name, signal) => through('start', name, signal, () => engine.start(name, world)),
    stop: (name, signal) => through('stop', name, signal, () => engine.stop(name, world)),
    rename: (from, to, signal) => through('rename', `${from} ${to}`, signal, () => engine.rename(from, to, world)),
    remove: (name, signal) => through('remove', name, signal, () => engine.remove(name, world)),
    connect: (name, signal) => through('connect', name, signal, () => engine.connect(name, world)),
    releaseNetwork: (name, signal) => through('releaseNetwork', name, signal, () => engine.releaseNetwork(name, world)),
    logs: (name, lines, signal) => through('logs', name, signal, () => engine.logs(name, lines, world)),
    watch(onChange, signal) {
      const reconnected = () => {
        line.life.clock.after(reconnectMs, reconnected)
        onChange()
      }
      line.life.clock.after(reconnectMs, reconnected)
      return engine.watch(name => hint(name, onChange, line), AbortSignal.any([signal, line.life.signal]))
    },
    close: async () => undefined,
  }
}

/** A request that has left is carried out whether or not somebody still waits for the answer. */
const world = new AbortController().signal

/** Streams of hints are opened anew, which is a hint about everything, in ms. */
const reconnectMs = 60_000

/** A hint is late by up to so many ms. */
const latestHintMs = 500

/** Hints are no truth: half of the troubles of a line lose them. */
function hint(name: string | undefined, onChange: (name?: string) => void, { life, fates, random }: Line): void {
  const fate = fates.of('read')
  if (fate === 'hangs' || fate === 'fails-before') return
  const tell = () => (name === undefined ? onChange() : onChange(name))
  life.clock.after(fate === 'is-stale' ? random.between(0, latestHintMs) : 0, tell)
  if (fate === 'fails-after') life.clock.after(random.between(0, latestHintMs), tell)
}

const feedReads = new Set<string>(['report', 'events', 'position'] satisfies (keyof FeedClient)[])

/** Feeds as a controller reaches them. */
export function reachedFeeds(client: FeedClient, line: Line, onWrite: OnWrite): FeedClient {
  type Method = (endpoint: string, ...rest: unknown[]) => Promise<unknown>
  const reached = (verb: string, method: Method): Method => {
    const kind = feedReads.has(verb) ? 'read' : 'write'
    return (endpoint, ...rest) => {
      const signal = rest.at(-1) instanceof AbortSignal ? (rest.at(-1) as AbortSignal) : undefined
      const effect = () => method(endpoint, ...rest)
      if (kind === 'write') onWrite({ to: 'feed', verb, target: endpoint })
      return make({ to: 'feed', text: `${verb} ${endpoint}`, kind, deadlineMs: deadlinesMs.feed, signal, effect }, line)
    }
  }
  const methods = Object.entries(client).map(([verb, method]) => [verb, reached(verb, method as Method)])
  return Object.fromEntries(methods) as FeedClient
}

/** Secrets as a controller reads them. */
export function reachedSecrets(values: (name: string) => SecretValues, line: Line): SecretReader {
  const read: SecretReader['read'] = ({ resource: { metadata } }) => {
    const { name } = metadata
    const effect = () => ({ values: values(name) })
    return make({ to: 'secrets', text: `read ${name}`, kind: 'read', deadlineMs: deadlinesMs.secrets, effect }, line)
  }
  return { read, readAside: read, forget: () => undefined }
}
