import type { FastifyReply } from 'fastify'

/** A comment this often, in ms, so that proxies and clients know the stream lives. */
const heartbeatMs = 15_000
/** Bytes that a slow reader may leave waiting before it is cut; it may come back and starts with the present state. */
const backlogLimitBytes = 8 * 1024 * 1024

export type Sse = {
  send(event: string, data: unknown): void
  raw(text: string): void
  onClose(callback: () => void): void
  close(): void
}

/** Turns a reply into a stream of server-sent events. */
export function openSse(reply: FastifyReply): Sse {
  reply.hijack()
  const { raw: response } = reply
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  response.flushHeaders()
  const beat = setInterval(() => response.write(':\n\n'), heartbeatMs)
  response.on('close', () => clearInterval(beat))
  const raw = (text: string) => {
    if (response.writableLength > backlogLimitBytes) response.destroy()
    else response.write(text)
  }
  return {
    raw,
    send: (event, data) => raw(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    onClose: callback => void response.on('close', callback),
    close: () => response.end(),
  }
}
