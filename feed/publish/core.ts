import type { NatsConnection } from '@nats-io/transport-node'
import { JustRead } from './justread.ts'
import type { Parcel, Sender, SenderHandlers } from './sender.ts'
import { put } from './wire.ts'

/** With no bound a frozen server would fill our memory through the socket's buffer. A fifth of a second at the peak rate. */
const maxUnconfirmedBytes = 16 * 1024 * 1024
const confirmEveryBytes = 1024 * 1024
const confirmEveryMs = 25
/** After the last tick the server is asked once more whether it lives: see `JustRead`. */
const aliveMs = 600

/** Parcels between two pings. */
type Batch = { parcels: Parcel[]; bytes: number }

/**
 * Core NATS: at most once. A ping behind each batch tells that the server has read it; several pings are under way, up to
 * `maxUnconfirmedBytes` behind. Parcels that no pong followed when the connection broke are lost, as far as we know, and are told as a gap. So are
 * those that the server had only just read, because it may have died before it passed them on.
 */
export class CoreSender implements Sender {
  readonly #handlers: SenderHandlers
  readonly #pinged = new Set<Batch>()
  #connection: NatsConnection | undefined
  #batch: Batch = { parcels: [], bytes: 0 }
  #outstanding = 0
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  readonly #justRead = new JustRead()
  #aliveTimer: NodeJS.Timeout | undefined

  constructor(handlers: SenderHandlers) {
    this.#handlers = handlers
  }

  isReady = (): boolean => this.#connection !== undefined
  hasRoom = (): boolean => this.isReady() && this.#bytes < maxUnconfirmedBytes
  outstanding = (): number => this.#outstanding
  resent = (): number => 0

  send(parcel: Parcel): void {
    const refusal = this.#connection && put(this.#connection, parcel)
    if (refusal !== undefined) {
      this.#handlers.changed(refusal)
      this.#handlers.lost(parcel, 'BusRefused')
      return
    }
    this.#note(parcel)
    this.#handlers.delivered(parcel, parcel.queued?.publishedAt ?? 0)
    if (this.#batch.bytes >= confirmEveryBytes) this.confirm()
    else this.#timer ??= setTimeout(() => this.confirm(), confirmEveryMs)
  }

  attach(connection: NatsConnection): void {
    this.#connection = connection
    this.#handlers.changed(undefined)
    this.#handlers.roomy()
  }

  detach(): void {
    this.#connection = undefined
    clearTimeout(this.#aliveTimer)
    this.#handlers.doubted(this.#justRead.take())
    for (const parcel of this.abandon()) this.#handlers.lost(parcel, 'BusDisconnected')
  }

  abandon(): Parcel[] {
    const parcels = [...this.#pinged, this.#batch].flatMap(batch => batch.parcels)
    this.#pinged.clear()
    this.#outstanding = this.#bytes = 0
    this.#begin()
    return parcels
  }

  confirm(): void {
    const connection = this.#connection
    const batch = this.#batch
    if (connection === undefined || batch.parcels.length === 0) return
    this.#begin()
    this.#pinged.add(batch)
    connection.flush().then(
      () => this.#confirmed(batch),
      () => {},
    )
  }

  #note(parcel: Parcel): void {
    const bytes = parcel.payload.length + parcel.subject.length + parcel.header.length
    this.#batch.parcels.push(parcel)
    this.#batch.bytes += bytes
    this.#bytes += bytes
    this.#outstanding++
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#batch = { parcels: [], bytes: 0 }
  }

  /** A pong for parcels that have been given up, or told as lost, comes too late. */
  #confirmed(batch: Batch): void {
    if (!this.#pinged.delete(batch)) return
    this.#outstanding -= batch.parcels.length
    this.#bytes -= batch.bytes
    for (const parcel of batch.parcels) this.#handlers.confirmed(parcel)
    this.#justRead.add(batch.parcels, performance.now())
    this.#aliveTimer ??= setTimeout(() => this.#askAlive(), aliveMs).unref()
    this.#handlers.roomy()
  }
  /** Until a pong comes late enough after the last tick. */
  #askAlive(): void {
    this.#aliveTimer = undefined
    const connection = this.#connection
    connection?.flush().then(
      () => {
        if (this.#connection !== connection) return
        this.#justRead.alive(performance.now())
        if (!this.#justRead.isEmpty) this.#aliveTimer ??= setTimeout(() => this.#askAlive(), aliveMs).unref()
      },
      () => {},
    )
  }
}
