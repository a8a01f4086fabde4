import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import { tickHeaders } from '../../crds/contract/tick.ts'
import type { Parcel } from './sender.ts'

/** Some 300 ticks. The client copies what it is given into its own frames, so that a slab is short-lived. */
const slabBytes = 256 * 1024
/** Of a UTF-16 unit in UTF-8. */
const maxBytesPerUnit = 3

/**
 * Puts parcels on a connection under their message ids. Header and payload are written into slabs, because an allocation of each
 * tick's own (`headers()`, `TextEncoder`) costs a fifth of a publisher's time, and as much again in garbage collection.
 */
export class Wire {
  #slab = Buffer.alloc(0)
  #used = 0

  /**
   * Returns why the client would not have a parcel (too large for the server). On a connection that has just ended it does nothing:
   * whoever holds the parcel is about to hear of that.
   */
  put(connection: NatsConnection, { subject, payload, messageId }: Parcel, reply?: string): string | undefined {
    if (connection.isClosed()) return undefined
    try {
      const block = this.bytesOf(headerBlockOf(messageId))
      const headers = { encode: () => block } as unknown as MsgHdrs // All that `publish` asks of headers.
      connection.publish(subject, this.bytesOf(payload), reply === undefined ? { headers } : { headers, reply })
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  /** UTF-8 in a place that is never written again. */
  bytesOf(text: string): Uint8Array {
    const most = text.length * maxBytesPerUnit
    if (this.#slab.length - this.#used < most) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, most))
      this.#used = 0
    }
    const begin = this.#used
    this.#used += this.#slab.write(text, begin)
    return this.#slab.subarray(begin, this.#used)
  }
}

/** The same text as the client's own `headers()` with the id set. Throws where the id would end its line. */
export function headerBlockOf(messageId: string): string {
  if (/[\r\n]/.test(messageId)) throw new TypeError(`the message id ${JSON.stringify(messageId)} holds a line break`)
  return `NATS/1.0\r\n${tickHeaders.messageId}: ${messageId.trim()}\r\n\r\n`
}
