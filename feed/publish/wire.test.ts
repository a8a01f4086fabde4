import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, it } from 'vitest'
import { tickHeaders } from '../../crds/contract/tick.ts'
import { headerOf, put } from './wire.ts'

function libraryBlock(messageId: string): Buffer {
  const set = headers()
  set.set(tickHeaders.messageId, messageId)
  return Buffer.from((set as MsgHdrs & { encode(): Uint8Array }).encode())
}

type Published = { subject: string; payload: Buffer; block: Buffer; reply: string | undefined }

function openConnection(published: Published[]): NatsConnection {
  const publish = (
    subject: string,
    payload: Uint8Array,
    { headers, reply }: { headers: { encode(): Uint8Array }; reply?: string },
  ) => published.push({ subject, payload: Buffer.from(payload), block: Buffer.from(headers.encode()), reply })
  return { isClosed: () => false, publish } as unknown as NatsConnection
}

const ids = ['20261124-SHFE-rb2701-1795487400500-1x9k2', '20261124-CZCE-SR 701&C.x-0-z', '郑商所-苹果', ' spaces around ', '']

describe('headerOf', () => {
  it.each(ids)('encodes "%s" as the client library does', id => {
    expect(headerOf(id)).toEqual(libraryBlock(id))
  })

  it.each(['a\nb', 'a\r\nX: y'])('leaves no line break in an id, which the client library refuses', id => {
    expect(() => libraryBlock(id)).toThrow()
    expect(headerOf(id)).toEqual(libraryBlock(id.replaceAll('\r', '_').replaceAll('\n', '_')))
  })
})

describe('put', () => {
  const parcel = { subject: 'market.tick.SHFE.rb2701', header: headerOf('id-1'), payload: Buffer.from('{"last":1}') }

  it('publishes payload, id and reply subject', () => {
    const published: Published[] = []
    expect(put(openConnection(published), parcel, '_INBOX.a.1')).toBeUndefined()
    expect(published).toEqual([
      { subject: parcel.subject, payload: parcel.payload, block: libraryBlock('id-1'), reply: '_INBOX.a.1' },
    ])
  })

  it('tells why a parcel was not taken', () => {
    const publish = () => {
      throw new Error('max_payload size exceeded')
    }
    expect(put({ isClosed: () => false, publish } as unknown as NatsConnection, parcel)).toBe('max_payload size exceeded')
  })

  it('does nothing on a connection that has ended', () => {
    expect(put({ isClosed: () => true } as unknown as NatsConnection, parcel)).toBeUndefined()
  })
})
