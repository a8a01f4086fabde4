import type { QueueLane } from './queue.ts'

/** One instrument's way to the bus: where its ticks wait, by their rows, and what they have in common. */
export type Lane = { readonly subject: string; readonly waiting: QueueLane<number>; readonly texts: LaneTexts }

/** See `TickWriter`: what a lane's ticks repeat, as bytes that hold while what they were made of is the same. */
export type LaneTexts = {
  epoch: number
  tradingDay: string
  /** Numbers that change rarely within a day, as the front sent them. */
  readonly slow: Float64Array
  /**
   * One behind the other: from the beginning of a tick to its sequence, from there to the exchange time, the header up to the gate's time, and the fields of
   * `slow`.
   */
  bytes: Uint8Array
  headEnd: number
  middleEnd: number
  idEnd: number
  slowEnd: number
}

const slowNumbers = 10
const slowBytes = slowNumbers * Float64Array.BYTES_PER_ELEMENT
/** Of one lane, numbers and bytes: 600 and more are used, and what does not fit gets bytes of its own. */
const laneBytes = 1024
/** Memory is taken for so many (1 MB). */
const lanesAPiece = 1024

/**
 * Hands out lanes. What one has lies in one place: 20,000 of them do not fit into a processor's cache, so that a tick waits for every place that it must look at. As
 * small buffers of their own they also cost every other allocation its time.
 */
export class Lanes {
  #piece = new ArrayBuffer(0)
  #taken = 0

  add(subject: string, waiting: QueueLane<number>): Lane {
    const start = this.#take()
    const slow = new Float64Array(this.#piece, start, slowNumbers)
    const bytes = new Uint8Array(this.#piece, start + slowBytes, laneBytes - slowBytes)
    return { subject, waiting, texts: { epoch: 0, tradingDay: '', slow, bytes, headEnd: 0, middleEnd: 0, idEnd: 0, slowEnd: 0 } }
  }

  #take(): number {
    const at = this.#taken++ % lanesAPiece
    if (at === 0) this.#piece = new ArrayBuffer(lanesAPiece * laneBytes)
    return at * laneBytes
  }
}
