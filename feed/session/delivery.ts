import type { Publisher } from '../publish/publisher.ts'

/**
 * Until when ticks are known to be with the bus. What a session has queued dies with it, and an outage of the bus can have queued minutes: the
 * gap after a crash begins here.
 */
export class Delivery {
  readonly #publisher: Pick<Publisher, 'flush' | 'status'>
  #until: number
  #isWaiting = false

  constructor(publisher: Pick<Publisher, 'flush' | 'status'>, now: number) {
    this.#publisher = publisher
    this.#until = now
  }

  /** ms since 1970. */
  get until(): number {
    return this.#until
  }

  /** Asks whether what was published until `now` has arrived; one question at a time, and none while the bus is away. */
  mark(now: number): void {
    if (this.#isWaiting || !this.#publisher.status().connected) return
    this.#isWaiting = true
    void this.#publisher.flush(new AbortController().signal).then(() => {
      this.#isWaiting = false
      // While the bus is away ticks are settled too: as conflated, with gaps that wait for the bus themselves.
      if (this.#publisher.status().connected) this.#until = now
    })
  }
}
