import { Fifo } from './fifo.ts'

export type QueueLosses<T> = {
  /** A newer value of the same lane took the place of this one. */
  conflated(value: T): void
  /** The bound forced this one out, and no value of its lane waits any more. */
  dropped(value: T): void
}

/** Where the values of one key wait: kept by whoever offers them, written by the queue alone. */
export type QueueLane<T> = { readonly values: Fifo<T>; isBusy: boolean; isLined: boolean }

/**
 * A bounded queue that keeps the order in a lane and takes turns between lanes. A lane of which a value was taken is busy until it is released,
 * so that a sender can wait for an acknowledgement before the next value of the same lane.
 *
 * Under pressure, and at the bound, the newest value of a lane takes the place of all that wait in it. Only where every lane
 * has no more than one value is one dropped: that of the lane which is next in turn, or the new one where all others are busy.
 */
export class ConflatingQueue<T> {
  readonly #maxValues: number
  readonly #losses: QueueLosses<T>
  /** Lanes with values that are not busy, in turn. */
  readonly #ready = new Fifo<QueueLane<T>>()
  /** Lanes with two values or more: where room can be made without losing the newest of any. */
  readonly #deep = new Set<QueueLane<T>>()
  readonly #lanes: QueueLane<T>[] = []
  #size = 0

  constructor(maxValues: number, losses: QueueLosses<T>) {
    this.#maxValues = maxValues
    this.#losses = losses
  }

  get size(): number {
    return this.#size
  }

  /** A lane for one more key. */
  newLane(): QueueLane<T> {
    const lane = { values: new Fifo<T>(), isBusy: false, isLined: false }
    this.#lanes.push(lane)
    return lane
  }

  /** Where nothing waits and the lane is free, its value need not be offered: the lane is busy as if it had been taken. */
  pass(lane: QueueLane<T>): boolean {
    if (this.#size > 0 || lane.isBusy) return false
    lane.isBusy = true
    return true
  }

  offer(lane: QueueLane<T>, value: T, isPressed: boolean): void {
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

  /** The next value in turn; its lane is busy until `release`. */
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

  release(lane: QueueLane<T>): void {
    lane.isBusy = false
    this.#line(lane)
  }

  /** Takes out all that waits, busy or not. */
  drain(): T[] {
    const values: T[] = []
    for (const lane of this.#lanes) {
      for (let value = this.#shift(lane); value !== undefined; value = this.#shift(lane)) values.push(value)
    }
    return values
  }

  #line(lane: QueueLane<T>): void {
    if (lane.isBusy || lane.isLined || lane.values.length === 0) return
    lane.isLined = true
    this.#ready.push(lane)
  }

  #shift(lane: QueueLane<T>): T | undefined {
    const value = lane.values.shift()
    if (value === undefined) return undefined
    this.#size--
    if (lane.values.length < 2) this.#deep.delete(lane)
    return value
  }

  #empty(lane: QueueLane<T>, keep = 0): void {
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
    // `take` would make the lane busy; what is dropped leaves its lane free.
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
