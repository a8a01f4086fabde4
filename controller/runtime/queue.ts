import { backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'

/** The longest that something which happened to a failing key waits for its next try, in ms. */
const hintedMs = 10_000

/**
 * A queue of keys, not of events. A key is in it once; a key that is added while it is worked on comes back right after; a
 * key that waits comes at the earliest of its times. One worker at a time has a key.
 */
export class KeyQueue {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #ready = new Set<string>()
  readonly #inFlight = new Set<string>()
  readonly #dirty = new Set<string>()
  readonly #hinted = new Set<string>()
  readonly #waiting = new Map<string, { at: number; cancel: () => void }>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #closed = false

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /** Wants the key worked on now. */
  add(key: string): void {
    if (this.#closed) return
    this.#cancelWait(key)
    if (this.#inFlight.has(key)) {
      this.#dirty.add(key)
      return
    }
    this.#ready.add(key)
    this.#serve()
  }

  /**
   * Something happened to what the key stands for. As `add`; but a key that fails keeps its back-off, or comes after ten seconds where that
   * is longer: its own tries are what happened, and a container that cannot start would be made again without a pause.
   */
  hint(key: string): void {
    if (this.#inFlight.has(key)) this.#hinted.add(key)
    else if (this.#failures.has(key)) this.addAfter(key, hintedMs)
    else this.add(key)
  }

  /** Wants the key worked on in so many ms, or earlier if it is already due earlier. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed || this.#ready.has(key) || this.#dirty.has(key)) return
    const at = this.#clock.now() + delayMs
    const waiting = this.#waiting.get(key)
    if (waiting && waiting.at <= at) return
    waiting?.cancel()
    const cancel = this.#clock.after(delayMs, () => this.add(key))
    this.#waiting.set(key, { at, cancel })
  }

  /** Wants the key tried again after a failure: 5 ms to 5 minutes, doubling, until `forget`. Returns the wait in ms. */
  addFailed(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    const delayMs = backoffMs(failures, this.#random())
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** The key succeeded: its next failure is its first. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, or `undefined` once the queue is closed. Whoever took a key gives it back with `finish`. */
  take(): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    this.#takers.push(resolve)
    this.#serve()
    return promise
  }

  finish(key: string): void {
    this.#inFlight.delete(key)
    const isHinted = this.#hinted.delete(key)
    if (this.#dirty.delete(key)) this.add(key)
    else if (isHinted) this.hint(key)
  }

  /** Keys that are due and keys that wait for their time. */
  get depth(): { ready: number; inFlight: number; waiting: number } {
    return { ready: this.#ready.size, inFlight: this.#inFlight.size, waiting: this.#waiting.size }
  }

  close(): void {
    this.#closed = true
    for (const { cancel } of this.#waiting.values()) cancel()
    this.#waiting.clear()
    this.#ready.clear()
    this.#serve()
  }

  #serve(): void {
    while (this.#takers.length > 0 && (this.#closed || this.#ready.size > 0)) {
      const [key] = this.#ready
      const taker = this.#takers.shift()
      if (key !== undefined) {
        this.#ready.delete(key)
        this.#inFlight.add(key)
      }
      taker?.(key)
    }
  }

  #cancelWait(key: string): void {
    this.#waiting.get(key)?.cancel()
    this.#waiting.delete(key)
  }
}
