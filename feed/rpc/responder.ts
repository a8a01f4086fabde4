import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import { asFault } from '../../crds/contract/fault.ts'
import type { BusHandlers } from '../publish/connection.ts'
import { answerTo, RequestError, type Sources } from './answers.ts'
import { Bucket } from './bucket.ts'
import { isCaptured, type Method, methods, ownSubjectOf } from './subjects.ts'

/** Longest request: 20,000 symbols of 24 characters. */
export const maxRequestBytes = 524_288

/** Requests a second over all subjects, and how many may come at once. A feed answers questions beside its work. */
export const requestsPerSecond = 20
export const burst = 40

/** Requests that are being answered; each asks a session. */
export const maxUnderWay = 8

export type ResponderOptions = {
  feed: string
  subjectPrefix: string
  sources: Sources
  /** Told when the requests can be answered, and when that ends; the message says why. */
  changed: (isUp: boolean, message?: string) => void
}

/**
 * Answers the requests of the older service over NATS. Each feed answers on the plain subjects, once,
 * however many processes it has (queue group `feedplane.NAMESPACE.FEED`), and on `PREFIX-rpc.NAMESPACE.FEED.METHOD` for itself alone.
 */
export class Responder implements BusHandlers {
  readonly #options: ResponderOptions
  readonly #bucket = new Bucket({ perSecond: requestsPerSecond, burst, now: () => performance.now() })
  readonly counters = { answered: 0, refused: 0 }
  #underWay = 0
  #isUp: boolean | undefined

  constructor(options: ResponderOptions) {
    this.#options = options
  }

  up(nats: NatsConnection): void {
    const { feed, subjectPrefix } = this.#options
    const queue = `feedplane.${feed.replace('/', '.')}`
    for (const method of methods) {
      void this.#serve(nats, nats.subscribe(ownSubjectOf(subjectPrefix, feed, method), { queue }), method)
      if (!isCaptured(subjectPrefix, method)) void this.#serve(nats, nats.subscribe(method, { queue }), method)
    }
    this.#say(true)
  }

  down(message: string): void {
    this.#say(false, message)
  }

  failed(message: string): void {
    this.#say(false, message)
  }

  // A subscription that the server does not permit ends with an error, and the others go on.
  async #serve(nats: NatsConnection, requests: Subscription, method: Method): Promise<void> {
    try {
      for await (const request of requests) void this.#answer(nats, request, method)
    } catch (error) {
      this.#say(false, asFault(error).message)
    }
  }

  async #answer(nats: NatsConnection, request: Msg, method: Method): Promise<void> {
    if (!request.reply) return
    const answer = await this.#answerOrError(request, method)
    const text = JSON.stringify(answer)
    const limit = nats.info?.max_payload ?? Number.POSITIVE_INFINITY
    const fits = Buffer.byteLength(text) <= limit
    if ('error' in answer || !fits) this.counters.refused++
    else this.counters.answered++
    request.respond(
      fits ? text : JSON.stringify(this.#error('too_large', `the answer is larger than the server's ${limit} bytes`)),
    )
  }

  async #answerOrError(request: Msg, method: Method): Promise<object> {
    if (!this.#bucket.take()) return this.#error('rate_limited', `at most ${requestsPerSecond} requests a second`)
    if (this.#underWay >= maxUnderWay) return this.#error('busy', `${maxUnderWay} requests are being answered`)
    this.#underWay++
    try {
      return await answerTo(method, bodyOf(request.data), this.#options.sources)
    } catch (error) {
      if (error instanceof RequestError) return this.#error(error.reason, error.message)
      return this.#error('unavailable', asFault(error).message)
    } finally {
      this.#underWay--
    }
  }

  #error(reason: string, message: string): object {
    const { feed, now } = this.#options.sources
    return { error: { reason, message }, source: feed, ts: now() }
  }

  #say(isUp: boolean, message?: string): void {
    if (this.#isUp === isUp) return
    this.#isUp = isUp
    this.#options.changed(isUp, message)
  }
}

function bodyOf(data: Uint8Array): unknown {
  if (data.length === 0) return undefined
  if (data.length > maxRequestBytes) throw new RequestError('too_large', `a request has at most ${maxRequestBytes} bytes`)
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'))
  } catch {
    throw new RequestError('invalid_request', 'the request is not JSON')
  }
}
