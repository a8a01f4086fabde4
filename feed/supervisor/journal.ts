import type { FeedEvent } from '../../crds/contract/feedstatus.ts'
import type { SessionEvent } from '../session/message.ts'

/** Events that a feed keeps for those who come later. */
export const maxEvents = 1000

type Listener = (event: FeedEvent) => void

/** The feed's events: a bounded ring with numbers that only grow while the process lives, and whoever follows it. */
export class Journal {
  readonly #events: FeedEvent[] = []
  readonly #listeners = new Set<Listener>()
  #sequence = 0

  /** Number of the newest event; 0 before the first. */
  get last(): number {
    return this.#sequence
  }

  add({ type, reason, message, fields }: SessionEvent): FeedEvent {
    this.#sequence++
    const event: FeedEvent = { sequence: this.#sequence, at: Date.now(), type, reason, message, ...(fields ? { fields } : {}) }
    this.#events.push(event)
    if (this.#events.length > maxEvents) this.#events.shift()
    for (const listener of this.#listeners) listener(event)
    return event
  }

  /** Kept events with a number above `sequence`. A number from before a restart lies above all: everything is answered then. */
  after(sequence: number): FeedEvent[] {
    const since = sequence > this.#sequence ? 0 : sequence
    return this.#events.filter(event => event.sequence > since)
  }

  /** Calls `listener` for every further event until the returned function is called. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
