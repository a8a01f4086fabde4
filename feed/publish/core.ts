import { headers, type NatsConnection } from '@nats-io/transport-node'
import { tickHeaders } from '../../crds/contract/tick.ts'
import type { Parcel, Sender, SenderHandlers } from './sender.ts'

/** About 6 MB of ticks: with no bound a frozen server would fill our memory through the socket's buffer. */
const maxUnconfirmed = 8192
const confirmEveryMs = 25

/**
 * Core NATS: at most once. A ping behind the messages tells which ones the server has read, up to `maxUnconfirmed` behind; those
 * that no pong followed when the connection broke are lost, as far as we know, and are told as a gap.
 */
export class CoreSender implements Sender {
  readonly #handlers: SenderHandlers
  #connection: NatsConnection | undefined
  #unconfirmed: Parcel[] = []
  #pinged: Parcel[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(handlers: SenderHandlers) {
    this.#handlers = handlers
  }

  isReady = (): boolean => this.#connection !== undefined
  hasRoom = (): boolean => this.isReady() && this.outstanding() < maxUnconfirmed
  outstanding = (): number => this.#unconfirmed.length + this.#pinged.length
  resent = (): number => 0

  send(parcel: Parcel): void {
    const refusal = this.#connection && put(this.#connection, parcel)
    if (refusal !== undefined) {
      this.#handlers.changed(refusal)
      this.#handlers.lost(parcel, 'BusRefused')
      return
    }
    this.#unconfirmed.push(parcel)
    this.#handlers.delivered(parcel)
    if (this.#unconfirmed.length >= maxUnconfirmed / 2) this.#confirm()
    else this.#timer ??= setTimeout(() => this.#confirm(), confirmEveryMs)
  }

  attach(connection: NatsConnection): void {
    this.#connection = connection
    this.#handlers.changed(undefined)
    this.#handlers.roomy()
  }

  detach(): void {
    this.#connection = undefined
    for (const parcel of this.abandon()) this.#handlers.lost(parcel, 'BusDisconnected')
  }

  abandon(): Parcel[] {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const parcels = [...this.#pinged, ...this.#unconfirmed]
    this.#pinged = []
    this.#unconfirmed = []
    return parcels
  }

  /** One ping at a time; the next one is sent when it is answered. */
  #confirm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const connection = this.#connection
    if (connection === undefined || this.#pinged.length > 0 || this.#unconfirmed.length === 0) return
    this.#pinged = this.#unconfirmed
    this.#unconfirmed = []
    connection.flush().then(
      () => this.#connection === connection && this.#confirmed(),
      () => {},
    )
  }

  #confirmed(): void {
    const parcels = this.#pinged
    this.#pinged = []
    for (const parcel of parcels) this.#handlers.confirmed(parcel)
    if (this.#unconfirmed.length > 0) this.#timer ??= setTimeout(() => this.#confirm(), confirmEveryMs)
    this.#handlers.roomy()
  }
}

/**
 * Publishes a parcel under its message id; returns why the client would not have it (too large for the server). On a connection that
 * has just ended it does nothing: whoever holds the parcel is about to hear of that.
 */
export function put(connection: NatsConnection, { subject, payload, messageId }: Parcel, reply?: string): string | undefined {
  if (connection.isClosed()) return undefined
  const set = headers()
  set.set(tickHeaders.messageId, messageId)
  try {
    connection.publish(subject, payload, reply === undefined ? { headers: set } : { headers: set, reply })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
