import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ResourceEvent, ResourceView } from '../../controller/api/contract.ts'
import { type Settled, untilSettled } from '../../controller/tour/watch.ts'
import { until } from '../services/deadline.ts'
import { freePorts } from '../services/port.ts'
import { sumOf } from './sample.ts'

const main = new URL('../../controller/main.ts', import.meta.url).pathname
const settleMs = 90_000

export type ControllerSettings = {
  manifests: string
  secrets: string
  state: string
  data?: string
  /** Environment beside the test's own. */
  env?: Record<string, string>
  /** Short, so that "over several resyncs" is a matter of seconds. */
  resyncMs: number
}

export type Writes = { engine: number; feed: number }

type LogLine = { msg?: string; action?: string; reason?: string; [field: string]: unknown }

/** `node controller/main.ts` over a state directory that outlives it, on the same port each time. */
export class ControllerProcess {
  readonly url: string
  /** All that it has printed, over all its lives. */
  log = ''
  readonly #settings: ControllerSettings
  readonly #watchers = new Set<(line: LogLine) => void>()
  #child: ChildProcess | undefined

  static async create(settings: ControllerSettings): Promise<ControllerProcess> {
    const [port = 0] = await freePorts(1)
    return new ControllerProcess(settings, port)
  }

  private constructor(settings: ControllerSettings, port: number) {
    this.#settings = settings
    this.url = `http://127.0.0.1:${port}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Returns once it answers. With a failpoint it kills itself when a rollout gets there (controller/failpoint.ts); `env` is for this life. */
  async start({ failpoint, env: more }: { failpoint?: string; env?: Record<string, string> } = {}): Promise<void> {
    const { manifests, secrets, state, data, resyncMs } = this.#settings
    const env = {
      ...process.env,
      ...this.#settings.env,
      FEEDPLANE_MANIFESTS: manifests,
      FEEDPLANE_SECRETS: secrets,
      FEEDPLANE_STATE: state,
      FEEDPLANE_LISTEN: new URL(this.url).host,
      FEEDPLANE_RESYNC_MS: String(resyncMs),
      ...(data !== undefined && { FEEDPLANE_DATA: data }),
      ...(failpoint !== undefined && { FEEDPLANE_FAILPOINT: failpoint }),
      ...more,
    }
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const killWithTest = () => child.kill('SIGKILL')
    process.once('exit', killWithTest)
    child.once('exit', () => process.off('exit', killWithTest))
    createInterface({ input: child.stdout }).on('line', line => this.#read(line))
    await until('the controller to answer', async () => this.#ended() || (await fetch(`${this.url}/healthz`)).ok)
    if (this.#ended()) throw new Error(`the controller ended:\n${this.log.slice(-2000)}`)
  }

  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Lets it see nothing of what `act` does before that is done: `docker rm --force` stops a container some time before it is gone. */
  async frozen(act: () => Promise<unknown>): Promise<void> {
    process.kill(this.pid, 'SIGSTOP')
    try {
      await act()
    } finally {
      process.kill(this.pid, 'SIGCONT')
    }
  }

  /** Waits until it is gone by itself. */
  async ended(): Promise<void> {
    await until('the controller to end', () => this.#ended(), settleMs)
  }

  /** SIGKILL as soon as it logs a line that fits; returns when it is gone. */
  async killAt(fits: (line: LogLine) => boolean, signal: AbortSignal): Promise<void> {
    const exit = once(this.#child ?? process, 'exit', { signal })
    const watcher = (line: LogLine) => fits(line) && this.#child?.kill('SIGKILL')
    this.#watchers.add(watcher)
    await exit.finally(() => this.#watchers.delete(watcher))
  }

  /** When the next line of its log that fits came, on the clock of `performance.now`. */
  async logged(fits: (line: LogLine) => boolean, signal: AbortSignal): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const watcher = (line: LogLine) => fits(line) && resolve(performance.now())
    const abort = () => reject(signal.reason)
    this.#watchers.add(watcher)
    signal.addEventListener('abort', abort)
    return promise.finally(() => {
      this.#watchers.delete(watcher)
      signal.removeEventListener('abort', abort)
    })
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`)
    if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }

  view(key: string): Promise<ResourceView> {
    return this.get(`/api/v1/resources/Feed/${key}`)
  }

  async events(key: string): Promise<ResourceEvent[]> {
    const { items } = await this.get<{ items: ResourceEvent[] }>(`/api/v1/events?${new URLSearchParams({ key, limit: '1000' })}`)
    return items
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text()
  }

  /** Writes to engines and to feeds since its start. */
  async writes(): Promise<Writes> {
    const text = await this.metrics()
    return {
      engine: sumOf(text, 'feedplane_engine_calls_total', { mode: 'write' }),
      feed: sumOf(text, 'feedplane_feed_writes_total'),
    }
  }

  /** Waits until every feed of it was looked at so many times more. */
  async looks(count: number, feeds = 1): Promise<void> {
    const seen = async () => sumOf(await this.metrics(), 'feedplane_reconcile_total', { kind: 'Feed' })
    const before = await seen()
    await until(`${count} more looks`, async () => (await seen()) >= before + count * feeds)
  }

  /** Carries out an edit and follows the feed until it is Ready, or Stalled, with what the edit made of it. */
  async settle(key: string, edit: () => void): Promise<Settled> {
    const afterGeneration = (await this.view(key)).metadata.generation
    edit()
    return untilSettled(this.url, key, { afterGeneration }, AbortSignal.timeout(settleMs))
  }

  /** Waits until the feed is Ready, or Stalled, as it is declared now. */
  settled(key: string): Promise<Settled> {
    return untilSettled(this.url, key, {}, AbortSignal.timeout(settleMs))
  }

  #read(text: string): void {
    this.log += `${text}\n`
    const line = JSON.parse(text) as LogLine
    for (const watcher of this.#watchers) watcher(line)
  }

  #ended(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || this.#ended()) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }
}
