import type { IncomingMessage } from 'node:http'
import * as z from 'zod'
import { stalled, transient } from '../../../crds/contract/fault.ts'
import { abortable } from '../mutex.ts'
import { type Connection, openCalls, openStreams, type TlsFiles } from './endpoint.ts'
import { faultOf } from './failure.ts'

export type Request = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the API version, its variable parts escaped with `encodeURIComponent`. */
  path: string
  query?: Record<string, string>
  body?: object
  /** A tar archive. */
  archive?: Buffer
  /** Registry login, which travels in a header. */
  authconfig?: object
  /** What is tried, for error texts: `start feed-r1`. */
  what: string
  signal: AbortSignal
  /** Where it may take longer than a call: its own deadline, and a connection of its own. */
  deadlineMs?: number
}

/** Newest API that this code was read against: engines from 25 to at least 29 speak it. */
const preferredApi = [1, 44] as const
/** Oldest with all that is used here: Engine 20.10. */
const oldestApi = [1, 41] as const
const maxBodyBytes = 64 * 1024 * 1024
const ok = { 200: true, 201: true, 204: true, 304: true }

const versionSchema = z.object({ Version: z.string(), ApiVersion: z.string(), MinAPIVersion: z.string().optional() })

/** Version that is spoken with an engine, the engine's own name for itself and its clock (seconds, from the Date header). */
export type Negotiated = { api: string; engine: string; clockS: number }

/**
 * The HTTP side of the Docker engine: API version, deadlines, errors as Faults. Calls and streams have connections of their own,
 * because an idle time-out that suits the one kills the other. Bodies are read here: docker-modem never ends a truncated one.
 */
export class DockerClient {
  readonly #calls: Lazy<Connection>
  readonly #streams: Lazy<Connection>
  readonly #callTimeoutMs: number
  readonly #closing = new AbortController()
  #negotiated: Negotiated | undefined

  constructor(endpoint: string, tls: TlsFiles | undefined, callTimeoutMs: number) {
    this.#calls = new Lazy(() => openCalls(endpoint, tls))
    this.#streams = new Lazy(() => openStreams(endpoint, tls))
    this.#callTimeoutMs = callTimeoutMs
  }

  /** The answer as `schema` has it. */
  async read<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    const body = await this.call(request)
    try {
      return schema.parse(JSON.parse(body.toString('utf8')))
    } catch (error) {
      throw transient('EngineError', `Docker's answer to "${request.what}" is not what its API promises`, error)
    }
  }

  /** The answer, whole. Throws a Fault. */
  async call(request: Request): Promise<Buffer> {
    const signal = this.#bounded(request)
    return this.#guarded(request, signal, async () => readBody(await this.#dial(request, signal, await this.#api(signal))))
  }

  /** The answer as it comes; reading it throws where the connection breaks. Ends with `request.signal`; the deadline is for its head. */
  async stream(request: Request): Promise<IncomingMessage> {
    const head = this.#bounded(request)
    const abandoned = new AbortController()
    const whole = AbortSignal.any([request.signal, this.#closing.signal, abandoned.signal])
    try {
      return await this.#guarded(request, head, async () => this.#dial(request, whole, await this.#api(head)))
    } catch (error) {
      abandoned.abort()
      throw error
    }
  }

  /** Asks the engine for its version and settles which to speak. Throws stalled `EngineTooOld`. */
  async negotiate(caller: AbortSignal): Promise<Negotiated> {
    const request: Request = { method: 'GET', path: '/version', what: 'tell its version', signal: caller }
    const signal = this.#bounded(request)
    return this.#guarded(request, signal, async () => {
      const response = await this.#dial(request, signal, undefined)
      const found = versionSchema.parse(JSON.parse((await readBody(response)).toString('utf8')))
      const api = chooseApi(found.ApiVersion, found.MinAPIVersion)
      const clockS = Math.floor(Date.parse(response.headers.date ?? '') / 1000) || Math.floor(Date.now() / 1000)
      this.#negotiated = { api, engine: `Docker ${found.Version} (API ${api})`, clockS }
      return this.#negotiated
    })
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the engine was closed'))
    for (const connection of [this.#calls, this.#streams]) (await connection.made?.catch(() => undefined))?.close()
  }

  async #api(signal: AbortSignal): Promise<string> {
    return (this.#negotiated ?? (await this.negotiate(signal))).api
  }

  #bounded({ signal, deadlineMs }: Request): AbortSignal {
    return AbortSignal.any([signal, AbortSignal.timeout(deadlineMs ?? this.#callTimeoutMs), this.#closing.signal])
  }

  async #guarded<T>({ what }: Request, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted()
      return await abortable(work(), signal)
    } catch (error) {
      const fault = faultOf(error, what, signal)
      if (fault.reason === 'ApiVersionChanged') this.#negotiated = undefined
      throw fault
    }
  }

  // `_query` and `_body`: without them docker-modem puts the whole body into the URL as well.
  async #dial(request: Request, signal: AbortSignal, api: string | undefined): Promise<IncomingMessage> {
    const { modem } = await (request.deadlineMs === undefined ? this.#calls : this.#streams).get()
    const options = {
      path: `${api === undefined ? '' : `/v${api}`}${request.path}${request.query === undefined ? '' : '?'}`,
      method: request.method,
      options: { _query: request.query ?? {}, _body: request.body ?? {} },
      ...(request.archive === undefined ? {} : { file: request.archive }),
      ...(request.authconfig === undefined ? {} : { authconfig: request.authconfig }),
      ...{ abortSignal: signal, isStream: true, statusCodes: ok },
    }
    return new Promise((resolve, reject) => {
      modem.dial(options, (error: unknown, response: unknown) => (error ? reject(error) : resolve(response as IncomingMessage)))
    })
  }
}

/** Made at its first use; a failure to make it is not kept. */
class Lazy<T> {
  readonly #make: () => Promise<T>
  made: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  get(): Promise<T> {
    this.made ??= this.#make().catch(error => {
      this.made = undefined
      throw error
    })
    return this.made
  }
}

/** The preferred API version where the engine speaks it, else the nearest that it does. */
export function chooseApi(newest: string, oldest = newest): string {
  if (compare(parts(newest), oldestApi) < 0) {
    throw stalled('EngineTooOld', `Docker speaks API ${newest}; ${oldestApi.join('.')} (Engine 20.10) or newer is needed`)
  }
  if (compare(parts(newest), preferredApi) < 0) return newest
  return compare(parts(oldest), preferredApi) > 0 ? oldest : preferredApi.join('.')
}

const parts = (version: string): readonly number[] => version.split('.').map(Number)

const compare = ([a = 0, b = 0]: readonly number[], [c = 0, d = 0]: readonly number[]): number => a - c || b - d

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > maxBodyBytes) throw new Error(`an answer of more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
