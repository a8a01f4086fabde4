import type { ServerResponse } from 'node:http'

/** Bytes that wait for a slow reader; what comes beyond is dropped and counted. */
export const maxWaitingBytes = 1_048_576

const heartbeatMs = 15_000

/** Server-sent events to one reader. It never waits for the reader: it drops, and says how much once the reader is back. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #heartbeat: NodeJS.Timeout
  #dropped = 0

  constructor(response: ServerResponse) {
    this.#response = response
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    })
    response.flushHeaders()
    this.#heartbeat = setInterval(() => response.write(': still here\n\n'), heartbeatMs)
    response.once('close', () => clearInterval(this.#heartbeat))
  }

  /** Sends an event, or drops it where the reader is too slow. An ended stream takes no more. */
  send(event: string, data: unknown, id?: number): void {
    if (this.#response.writableEnded) return
    if (this.#response.writableLength > maxWaitingBytes) {
      this.#dropped++
      return
    }
    if (this.#dropped > 0) this.#tellDropped()
    this.#write(event, data, id)
  }

  /** Counts what was dropped before it came here. */
  addDropped(count: number): void {
    this.#dropped += count
  }

  end(): void {
    clearInterval(this.#heartbeat)
    this.#response.end()
  }

  #tellDropped(): void {
    const dropped = this.#dropped
    this.#dropped = 0
    this.#write('dropped', { dropped })
  }

  #write(event: string, data: unknown, id?: number): void {
    const idLine = id === undefined ? '' : `id: ${id}\n`
    this.#response.write(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`)
  }
}
