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
  /** Packets a second that may leave, and how many may leave now; a fault of the simulator. */
  #limit: number | undefined
  #allowance = 0
  #refilledAt = 0
  #isShut = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('drain', () => this.#drain())
  }

  get packets(): number {
    return this.#packets
  }

  /** Bytes are whole frames and are not changed any more. */
  send(bytes: Buffer, packets: number): void {
    if (!this.#socket.writable || this.#isShut) return
    if (this.#waiting.length === 0 && this.#takes()) {
      this.#write(bytes, packets)
      return
    }
    this.#waiting.push({ bytes, packets })
    this.#packets += packets
  }

  /** From now on at most so many packets a second leave; undefined for all. */
  limit(packetsPerSecond: number | undefined, now: number): void {
    if (packetsPerSecond === this.#limit) return
    this.#limit = packetsPerSecond
    this.#allowance = 0
    this.#refilledAt = now
    this.#drain()
  }

  /** Lets more leave where a limit holds, as time goes on. `now` is monotonic. */
  refill(now: number): void {
    if (this.#limit === undefined) return
    const earned = ((now - this.#refilledAt) / 1000) * this.#limit
    this.#allowance = Math.min(Math.max(1, this.#limit), this.#allowance + earned)
    this.#refilledAt = now
    this.#drain()
  }

  /** Takes nothing any more and lets nothing go. */
  shut(): void {
    this.clear()
    this.#isShut = true
  }

  /** Forgets what waits, so that a last word comes next. */
  clear(): void {
    this.#waiting.length = 0
    this.#packets = 0
  }

  #takes(): boolean {
    return !this.#socket.writableNeedDrain && (this.#limit === undefined || this.#allowance > 0)
  }

  #write(bytes: Buffer, packets: number): void {
    this.#socket.write(bytes)
    if (this.#limit !== undefined) this.#allowance -= packets
  }

  #drain(): void {
    let taken = 0
    for (const { bytes, packets } of this.#waiting) {
      if (!this.#takes()) break
      this.#write(bytes, packets)
      this.#packets -= packets
      taken++
    }
    if (taken > 0) this.#waiting.splice(0, taken)
  }
}
