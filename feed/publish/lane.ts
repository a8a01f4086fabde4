import type { QueueLane } from './queue.ts'

/** One instrument's way to the bus: where its ticks wait, by their rows, and what they have in common. */
export type Lane = { readonly subject: string; readonly waiting: QueueLane<number>; readonly texts: LaneTexts }

/** See `TickWriter`: bytes hold while what they were made of is the same. */
export type LaneTexts = {
  epoch: number
  /** From the beginning to the sequence. */
  head: Uint8Array
  tradingDay: string | undefined
  /** From the sequence to the exchange time. */
  middle: Uint8Array
  /** Of the header, up to the gate's time. */
  idStart: Uint8Array
  /** Numbers that change rarely within a day, as the front sent them, and their fields. */
  readonly slow: number[]
  slowBytes: Uint8Array
}

const slowNumbers = 10
const none = new Uint8Array(0)

export function laneOf(subject: string, waiting: QueueLane<number>): Lane {
  // NaN is no number's equal: nothing is taken for known.
  const slow = Array.from({ length: slowNumbers }, () => Number.NaN)
  const bytes = { head: none, middle: none, idStart: none, slowBytes: none }
  const texts = { epoch: Number.NaN, tradingDay: undefined, slow, ...bytes }
  return { subject, waiting, texts }
}
