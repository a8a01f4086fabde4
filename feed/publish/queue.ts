import { Fifo } from './fifo.ts'

export type QueueLosses<T> = {
  /** A newer value of the same key took the place of this one. */
  conflated(value: T): void
  /** The bound forced this one out, and no value of its key waits any more. */
  dropped(value: T): void
}

/**
 * A bounded queue that keeps the order per key and takes turns between keys. A key that was taken is busy until it is released,
 * so that a sender can wait for an acknowledgement before the next value of the same key.
 *
 * Under pressure, and at the bound, the newest value of a key takes the place of all that wait for it. Only where every key
 * has no more than one value is one dropped: that of the key which is next in turn, or the new one where all others are busy.
 */
export class ConflatingQueue<T> {
  readonly #maxValues: number
  readonly #losses: QueueLosses<T>
  readonly #lanes = new Map<string, Lane<T>>()
  /** Keys with values that are not busy, in turn. */
  readonly #ready = new Fifo<Lane<T>>()
  /** Keys with two values or more: where room can be made without losing the newest of any. */
  readonly #deep = new Set<Lane<T>>()
  #size = 0

  constructor(maxValues: number, losses: QueueLosses<T>) {
    this.#maxValues = maxValues
    this.#losses = losses
  }

  get size(): number {
    return this.#size
  }

  offer(key: string, value: T, isPressed: boolean): void {
    const lane = this.#laneOf(key)
    const isFull = this.#size >= this.#maxValues
    if (isPressed || isFull) this.#empty(lane)
    if (this.#size >= this.#maxValues && !this.#makeRoom()) {
      this.#losses.dropped(value)
      return
    }
    lane.values.push(value)
    this.#size++
    if (lane.values.length > 1) this.#deep.add(lane)
    this.#line(lane)
  }

  /** The next value in turn; its key is busy until `release`. */
  take(): T | undefined {
    for (;;) {
      const lane = this.#ready.shift()
      if (lane === undefined) return undefined
      lane.isLined = false
      const value = this.#shift(lane)
      if (value === undefined) continue
      lane.isBusy = true
      return value
    }
  }

  release(key: string): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    lane.isBusy = false
    this.#line(lane)
  }

  /** Takes out all that waits, busy or not. */
  drain(): T[] {
    const values: T[] = []
    for (const lane of this.#lanes.values()) {
      for (let value = this.#shift(lane); value !== undefined; value = this.#shift(lane)) values.push(value)
    }
    return values
  }

  #laneOf(key: string): Lane<T> {
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane = { values: new Fifo<T>(), isBusy: false, isLined: false }
    this.#lanes.set(key, lane)
    return lane
  }

  #line(lane: Lane<T>): void {
    if (lane.isBusy || lane.isLined || lane.values.length === 0) return
    lane.isLined = true
    this.#ready.push(lane)
  }

  #shift(lane: Lane<T>): T | undefined {
    const value = lane.values.shift()
    if (value === undefined) return undefined
    this.#size--
    if (lane.values.length < 2) this.#deep.delete(lane)
    return value
  }

  #empty(lane: Lane<T>, keep = 0): void {
    while (lane.values.length > keep) {
      const value = this.#shift(lane)
      if (value !== undefined) this.#losses.conflated(value)
    }
  }

  #makeRoom(): boolean {
    const [deep] = this.#deep
    if (deep !== undefined) {
      this.#empty(deep, 1)
      return true
    }
    // `take` would make the lane busy; what is dropped leaves its key free.
    for (let lane = this.#ready.shift(); lane !== undefined; lane = this.#ready.shift()) {
      lane.isLined = false
      const value = this.#shift(lane)
      if (value === undefined) continue
      this.#losses.dropped(value)
      return true
    }
    return false
  }
}

type Lane<T> = { values: Fifo<T>; isBusy: boolean; isLined: boolean }
