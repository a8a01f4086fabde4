import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Outbox } from './outbox.ts'

const packetBytes = 64 * 1024

describe('the outbox', () => {
  let reader: Socket
  let writer: Socket
  beforeEach(async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const accepted = once(server, 'connection')
    writer = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
    ;[reader] = (await accepted) as [Socket]
    server.close()
  })
  afterEach(() => {
    reader.destroy()
    writer.destroy()
  })

  /** Numbered packets, until some have to wait here because nobody reads. */
  function fill(outbox: Outbox): number {
    let sent = 0
    while (outbox.packets < 20) outbox.send(Buffer.alloc(packetBytes, sent++ % 256), 1)
    return sent
  }

  it('keeps what the socket does not take, counts it, and sends it in order', async () => {
    const outbox = new Outbox(writer)
    const sent = fill(outbox)
    const order: number[] = []
    let bytes = 0
    for await (const chunk of reader as AsyncIterable<Buffer>) {
      for (let at = (packetBytes - (bytes % packetBytes)) % packetBytes; at < chunk.length; at += packetBytes)
        order.push(chunk[at] ?? -1)
      bytes += chunk.length
      if (bytes === sent * packetBytes) break
    }
    expect(order).toEqual(Array.from({ length: sent }, (_, index) => index % 256))
    expect(outbox.packets).toBe(0)
  })

  it('forgets what waits and takes nothing for a socket that has ended', () => {
    const outbox = new Outbox(writer)
    fill(outbox)
    outbox.clear()
    expect(outbox.packets).toBe(0)
    writer.end()
    outbox.send(Buffer.alloc(packetBytes), 1)
    expect(outbox.packets).toBe(0)
  })
})
