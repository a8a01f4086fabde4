import type { Socket } from 'node:net'

/** What CTP's front allows a session to lag behind before it cuts it. */
export const maxUnsentPackets = 10_000

/**
 * What waits for one session's socket. While the socket takes bytes they go straight through; then buffers wait here, counted in
 * packets, because a front's bound is one of packets.
 */
export class Outbox {
  readonly #socket: Socket
  readonly #waiting: { bytes: Buffer; packets: number }[] = []
  #packets = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('drain', () => this.#drain())
  }

  get packets(): number {
    return this.#packets
  }

  /** Bytes are whole frames and are not changed any more. */
  send(bytes: Buffer, packets: number): void {
    if (!this.#socket.writable) return
    if (this.#waiting.length === 0 && !this.#socket.writableNeedDrain) {
      this.#socket.write(bytes)
      return
    }
    this.#waiting.push({ bytes, packets })
    this.#packets += packets
  }

  /** Forgets what waits, so that a last word comes next. */
  clear(): void {
    this.#waiting.length = 0
    this.#packets = 0
  }

  #drain(): void {
    let taken = 0
    for (const { bytes, packets } of this.#waiting) {
      if (this.#socket.writableNeedDrain) break
      this.#socket.write(bytes)
      this.#packets -= packets
      taken++
    }
    this.#waiting.splice(0, taken)
  }
}
