import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import { tickHeaders } from '../../crds/contract/tick.ts'
import type { Parcel } from './sender.ts'

/**
 * Puts a parcel on a connection. Returns why the client would not have it (too large for the server). On a connection that has just ended it does
 * nothing: whoever holds the parcel is about to hear of that.
 */
export function put(connection: NatsConnection, { subject, header, payload }: Parcel, reply?: string): string | undefined {
  if (connection.isClosed()) return undefined
  try {
    const headers = { encode: () => header } as unknown as MsgHdrs // All that `publish` asks of headers.
    connection.publish(subject, payload, reply === undefined ? { headers } : { headers, reply })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export const headerStart = `NATS/1.0\r\n${tickHeaders.messageId}: `
export const headerEnd = '\r\n\r\n'

/** The same bytes as the client's own `headers()` with the id set. */
export function headerOf(messageId: string): Uint8Array {
  return Buffer.from(`${headerStart}${inOneLine(messageId)}${headerEnd}`)
}

/** A line break would end the header, and let whatever follows be another one. */
export const inOneLine = (id: string): string => id.replaceAll(/[\r\n]/g, '_').trim()
