import type { Socket } from 'node:net'

/** What Node reads at a time. */
export const fullChunkBytes = 65_536

/** How long more may wait before reading goes first: some 9000 ticks at 100,000 a second. */
export const patienceMs = 100

/**
 * Where more waits, everything else has its turn after one chunk: libuv reads up to 32 in a row, some 8000 ticks, and while they are taken in nothing
 * that was published before is acknowledged. What piles up leaves the processor's caches, each tick then costs twice as much, and a session that had
 * fallen behind would stay there.
 *
 * Where that does not suffice, turns read all that libuv gives them until nothing waits, and what cannot be published meanwhile is conflated
 * (feed/publish/outlet.ts). A front cuts a session that is 10,000 packets behind, beyond some 30,000 that the kernel's buffers take.
 */
export class Turns {
  readonly #socket: Pick<Socket, 'pause' | 'resume'>
  #behindSince: number | undefined
  #next: NodeJS.Immediate | undefined

  constructor(socket: Pick<Socket, 'pause' | 'resume'>) {
    this.#socket = socket
  }

  /** A chunk of so many bytes was read; a full one is followed by more. */
  count(bytes: number): void {
    if (bytes < fullChunkBytes) {
      this.#behindSince = undefined
      return
    }
    const now = performance.now()
    this.#behindSince ??= now
    if (now - this.#behindSince >= patienceMs || this.#next !== undefined) return
    this.#socket.pause()
    this.#next = setImmediate(() => {
      this.#next = undefined
      this.#socket.resume()
    })
  }
}
