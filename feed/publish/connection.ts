import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection, type NodeConnectionOptions, PermissionViolationError } from '@nats-io/transport-node'
import { greetingServer } from './greeting.ts'

const connectTimeoutMs = 3000
const heartbeatMs = 1000
/** Heartbeats that may pass without an answer: a frozen server or a half-open connection is given up after 3 to 4 s. */
const missedHeartbeats = 3
const firstRetryMs = 50
const longestRetryMs = 2000

export type BusSecrets = { TOKEN?: string; USER?: string; PASSWORD?: string }

export type BusHandlers = {
  up(connection: NatsConnection): void
  /** Called once for each `up`, and for each failed try. The message holds no secret. */
  down(message: string): void
  /** An error that the server reported on a connection that stays; of a missing permission with its subject. */
  failed(message: string, subject: string | undefined): void
}

/**
 * A connection to NATS that is tried for ever. Each connection is a fresh one: the client's own reconnection keeps messages of
 * which nobody knows, and it cannot leave a frozen server while the socket's buffer is full, because it first waits to flush it
 * (nats.js 3.4, NodeTransport._closed).
 */
export class BusConnection {
  readonly #servers: string[]
  readonly #options: NodeConnectionOptions
  readonly #handlers: BusHandlers
  readonly #end = new AbortController()
  readonly #finished: Promise<void>
  #current: NatsConnection | undefined
  #giveUp: (() => void) | undefined

  constructor(name: string, servers: string[], secrets: BusSecrets, handlers: BusHandlers) {
    this.#servers = servers
    this.#options = optionsOf(name, servers, secrets)
    this.#handlers = handlers
    this.#finished = this.#run()
  }

  /** Drops the connection; what it has sent and the server not read may be lost. */
  async close(): Promise<void> {
    this.#end.abort()
    this.#giveUp?.()
    await this.#current?.close()
    await this.#finished
  }

  async #run(): Promise<void> {
    for (let retryMs = firstRetryMs; !this.#end.signal.aborted; retryMs = Math.min(retryMs * 2, longestRetryMs)) {
      const connection = await this.#connect()
      if (connection !== undefined) {
        await this.#hold(connection)
        retryMs = firstRetryMs
      }
      await delay(retryMs * (0.75 + Math.random() / 2), undefined, { signal: this.#end.signal }).catch(() => {})
    }
  }

  /** Ends when the connection is there, has failed, or nobody wants it any more; one that comes later is closed again. */
  async #connect(): Promise<NatsConnection | undefined> {
    try {
      const server = await greetingServer(this.#servers, connectTimeoutMs, this.#end.signal)
      if (this.#end.signal.aborted) return undefined
      const attempt = connect({ ...this.#options, servers: [server] })
      const { promise, resolve } = Promise.withResolvers<undefined>()
      this.#giveUp = () => resolve(undefined)
      const connection = await Promise.race([attempt, promise])
      if (connection === undefined) attempt.then(late => late.close()).catch(() => {})
      return connection
    } catch (error) {
      if (!this.#end.signal.aborted) this.#handlers.down(messageOf(error))
      return undefined
    }
  }

  async #hold(connection: NatsConnection): Promise<void> {
    if (this.#end.signal.aborted) return connection.close()
    this.#current = connection
    this.#handlers.up(connection)
    void this.#listen(connection)
    const heart = watch(connection)
    const error = await connection.closed()
    clearInterval(heart)
    this.#current = undefined
    this.#handlers.down(error ? messageOf(error) : 'the connection was lost')
  }

  async #listen(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'error') this.#handlers.failed(status.error.message, subjectOf(status.error))
    }
  }
}

// Intervals are counted rather than times compared: where our own event loop was blocked, the timer has not run either.
function watch(connection: NatsConnection): NodeJS.Timeout {
  let unanswered = 0
  return setInterval(() => {
    if (unanswered >= missedHeartbeats) return void connection.close()
    const answered = () => {
      unanswered = 0
    }
    if (unanswered === 0) connection.flush().then(answered, () => {})
    unanswered++
  }, heartbeatMs)
}

function optionsOf(name: string, servers: string[], secrets: BusSecrets): NodeConnectionOptions {
  return {
    name,
    reconnect: false,
    timeout: connectTimeoutMs,
    ...(servers.some(server => server.startsWith('tls://')) ? { tls: {} } : {}),
    ...(secrets.TOKEN === undefined ? {} : { token: secrets.TOKEN }),
    ...(secrets.USER === undefined ? {} : { user: secrets.USER, pass: secrets.PASSWORD ?? '' }),
  }
}

const subjectOf = (error: Error): string | undefined => (error instanceof PermissionViolationError ? error.subject : undefined)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
