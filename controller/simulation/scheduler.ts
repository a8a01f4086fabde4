import type { Clock } from '../runtime/clock.ts'
import type { Random } from './random.ts'

type Timer = { at: number; tie: number; callback: () => void; isCancelled: boolean }

/** Timers that a run may have at once: more means that something makes them without end. */
const maxTimers = 10_000

/**
 * Virtual time: a heap of timers by (time, tie that the seed draws), so that what is due at the same moment comes in an order of the
 * seed's choice. After each one everything that it set free runs to its end before the next is due.
 */
export class Scheduler implements Clock {
  readonly #heap: Timer[] = []
  readonly #random: Random
  #now: number
  /** Timers that have come due. */
  steps = 0

  constructor(start: number, random: Random) {
    this.#now = start
    this.#random = random
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    if (this.#heap.length >= maxTimers) throw new Error('timers without end')
    const timer = { at: this.#now + Math.max(0, Math.ceil(delayMs)), tie: this.#random.next(), callback, isCancelled: false }
    this.#push(timer)
    return () => {
      timer.isCancelled = true
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => void this.after(ms, resolve))
  }

  /** Runs until the time, or until `onStep`, called after each timer, says stop. Rejects with what `onStep` or a timer throws. */
  async run(time: number, onStep: () => boolean): Promise<void> {
    const until = Math.ceil(time)
    await drained()
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      this.#now = timer.at
      this.steps++
      timer.callback()
      await drained()
      if (onStep()) return
    }
    this.#now = Math.max(this.#now, until)
  }

  #next(until: number): Timer | undefined {
    for (let first = this.#heap[0]; first && (first.isCancelled || first.at <= until); first = this.#heap[0]) {
      this.#pop()
      if (!first.isCancelled) return first
    }
    return undefined
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    heap.push(timer)
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1
      if (!this.#swapIfEarlier(child, parent)) break
      child = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (heap.length === 0 || !last) return
    heap[0] = last
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1
      const child = isEarlier(heap[left + 1], heap[left]) ? left + 1 : left
      if (!this.#swapIfEarlier(child, parent)) break
      parent = child
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const [lower, upper] = [this.#heap[child], this.#heap[parent]]
    if (!lower || !upper || !isEarlier(lower, upper)) return false
    this.#heap[child] = upper
    this.#heap[parent] = lower
    return true
  }
}

function isEarlier(a: Timer | undefined, b: Timer | undefined): boolean {
  if (!a || !b) return a !== undefined
  return a.at < b.at || (a.at === b.at && a.tie < b.tie)
}

/** Every promise that can go on has gone on: nothing in a simulation waits for real input or output. */
const drained = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))
