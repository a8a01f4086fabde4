import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, it } from 'vitest'
import { tickHeaders } from '../../crds/contract/tick.ts'
import { headerBlockOf, Wire } from './wire.ts'

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

describe('headerBlockOf', () => {
  it.each(ids)('encodes "%s" as the client library does', id => {
    expect(Buffer.from(headerBlockOf(id))).toEqual(libraryBlock(id))
  })

  it.each(['a\nb', 'a\r\nX: y'])('refuses an id with a line break, as the client library does', id => {
    expect(() => libraryBlock(id)).toThrow()
    expect(() => headerBlockOf(id)).toThrow('line break')
  })
})

describe('Wire', () => {
  it('keeps the bytes of earlier parcels when slabs are full', () => {
    const wire = new Wire()
    const texts = Array.from({ length: 2000 }, (_none, index) => `${index} 苹果 ${'x'.repeat(index % 700)}`)
    const written = texts.map(text => wire.bytesOf(text))
    expect(written.map(bytes => Buffer.from(bytes).toString())).toEqual(texts)
  })

  it('writes a text that is larger than a slab', () => {
    const text = '果'.repeat(300_000)
    expect(Buffer.from(new Wire().bytesOf(text)).toString() === text).toBe(true)
  })

  it('publishes payload, id and reply subject', () => {
    const published: Published[] = []
    const parcel = { subject: 'market.tick.SHFE.rb2701', payload: '{"last":1}', messageId: 'id-1' }
    expect(new Wire().put(openConnection(published), parcel, '_INBOX.a.1')).toBeUndefined()
    expect(published).toEqual([
      { subject: parcel.subject, payload: Buffer.from(parcel.payload), block: libraryBlock('id-1'), reply: '_INBOX.a.1' },
    ])
  })

  it('tells why a parcel was not taken', () => {
    const parcel = { subject: 'a.b', payload: '{}', messageId: 'a\nb' }
    expect(new Wire().put(openConnection([]), parcel)).toContain('line break')
  })
})
