import { type Depth, emptyDepth } from '../gateways/depth.ts'
import { depthNumbers, depthVolume, readDepth, writeDepth } from '../gateways/depthrow.ts'

/** Ticks that a closed gate keeps per instrument: two seconds at the front's two a second. */
export const maxHeldTicks = 4

/**
 * A push on its way through the gate. `time` orders it: the exchange time in ms, 0 where there is none, shifted in each further round of
 * a recording.
 */
export type Push = {
  depth: Depth
  receivedAt: number
  exchangeTime: number | null
  time: number
  hash: number
  snapshot: boolean
}

/**
 * Where a line's pushes are: a place in the table, which of its rows is the oldest, and how many are held, with the mark. The mark, of
 * what was published last, is the oldest of them and has no row.
 */
export type HeldPlace = {
  slot: number
  oldest: number
  count: number
  isMarked: boolean
  markTime: number
  markHash: number
}

const at = { receivedAt: 0, exchangeTime: 1, time: 2, hash: 3, kind: 4, depth: 5 } as const
const rowNumbers = at.depth + depthNumbers
const kinds = { fresh: 0, snapshot: 1 } as const
const rowTexts = 3
/** The table grows by so many lines (1.3 MB): to copy it, once it is large, would take longer than a flip may. */
const slotsAPiece = 1024
const rowsAPiece = slotsAPiece * maxHeldTicks

/**
 * The newest pushes of every line while the gate is closed, in one table of numbers (26 MB for 20,000 lines). Kept as objects, they would
 * fill V8's old generation with 40,000 dead ones a second: 600 MB.
 */
export class HeldPushes {
  readonly #pieces: Float64Array[] = []
  readonly #texts: string[] = []
  readonly #depth = emptyDepth()
  #slots = 0

  static place(): HeldPlace {
    // NaN, because V8 lays a field that begins with a small integer out anew when a mark comes: 20,000 of them cost 10 ms.
    return { slot: -1, oldest: 0, count: 0, isMarked: false, markTime: Number.NaN, markHash: Number.NaN }
  }

  /** Keeps a push as the newest of its line. */
  hold(place: HeldPlace, { depth, receivedAt, exchangeTime, time, hash, snapshot }: Push): void {
    const row = this.#nextRow(place)
    const numbers = this.#pieceOf(row)
    const start = startOf(row)
    numbers[start + at.receivedAt] = receivedAt
    numbers[start + at.exchangeTime] = exchangeTime ?? Number.NaN
    numbers[start + at.time] = time
    numbers[start + at.hash] = hash
    numbers[start + at.kind] = snapshot ? kinds.snapshot : kinds.fresh
    writeDepth(numbers, start + at.depth, depth)
    this.#texts[row * rowTexts] = depth.TradingDay
    this.#texts[row * rowTexts + 1] = depth.ActionDay
    this.#texts[row * rowTexts + 2] = depth.UpdateTime
  }

  /** Forgets a line's pushes and keeps in their place which tick was published last. */
  mark(place: HeldPlace, time: number, hash: number): void {
    place.count = 1
    place.isMarked = true
    place.markTime = time
    place.markHash = hash
  }

  /** Place from the oldest, counted from 0, of this very tick; -1 where it is not held. The newest counts, were there two. */
  find(place: HeldPlace, time: number, hash: number): number {
    const firstPush = marksOf(place)
    for (let i = place.count - 1; i >= firstPush; i--) {
      const row = rowOf(place, i)
      const numbers = this.#pieceOf(row)
      const start = startOf(row)
      if (numbers[start + at.time] === time && numbers[start + at.hash] === hash) return i
    }
    return firstPush === 1 && place.markTime === time && place.markHash === hash ? 0 : -1
  }

  /** The oldest push for which `holds`; -1 where there is none. */
  findPush(place: HeldPlace, holds: (time: number, volume: number) => boolean): number {
    for (let i = marksOf(place); i < place.count; i++) {
      const row = rowOf(place, i)
      const numbers = this.#pieceOf(row)
      const start = startOf(row)
      if (holds(numbers[start + at.time] as number, numbers[start + at.depth + depthVolume] as number)) return i
    }
    return -1
  }

  /** The push at a place from the oldest; `undefined` for the mark. Its depth holds until the next call. */
  read(place: HeldPlace, i: number, instrument: string): Push | undefined {
    if (i < marksOf(place)) return undefined
    const row = rowOf(place, i)
    const numbers = this.#pieceOf(row)
    const start = startOf(row)
    const exchangeTime = numbers[start + at.exchangeTime] as number
    return {
      depth: this.#readDepth(row, instrument),
      receivedAt: numbers[start + at.receivedAt] as number,
      exchangeTime: Number.isNaN(exchangeTime) ? null : exchangeTime,
      time: numbers[start + at.time] as number,
      hash: numbers[start + at.hash] as number,
      snapshot: numbers[start + at.kind] === kinds.snapshot,
    }
  }

  // The mark goes first, and leaves a place but no row.
  #nextRow(place: HeldPlace): number {
    if (place.slot < 0) place.slot = this.#takeSlot()
    const marks = marksOf(place)
    if (marks === 0) place.isMarked = false
    const row = place.slot * maxHeldTicks + ((place.oldest + place.count - marks) % maxHeldTicks)
    if (place.count < maxHeldTicks) place.count++
    else if (marks === 1) place.isMarked = false
    else place.oldest = (place.oldest + 1) % maxHeldTicks
    return row
  }

  #takeSlot(): number {
    const slot = this.#slots++
    if (slot % slotsAPiece === 0) this.#pieces.push(new Float64Array(rowsAPiece * rowNumbers))
    return slot
  }

  #pieceOf(row: number): Float64Array {
    return this.#pieces[Math.floor(row / rowsAPiece)] as Float64Array
  }

  #readDepth(row: number, instrument: string): Depth {
    const depth = this.#depth
    readDepth(this.#pieceOf(row), startOf(row) + at.depth, depth)
    depth.TradingDay = this.#texts[row * rowTexts] ?? ''
    depth.ActionDay = this.#texts[row * rowTexts + 1] ?? ''
    depth.UpdateTime = this.#texts[row * rowTexts + 2] ?? ''
    depth.InstrumentID = instrument
    return depth
  }
}

/** A place that was emptied has no mark, whatever it says. */
const marksOf = ({ isMarked, count }: HeldPlace): number => (isMarked && count > 0 ? 1 : 0)

const rowOf = (place: HeldPlace, i: number): number =>
  place.slot * maxHeldTicks + ((place.oldest + i - marksOf(place)) % maxHeldTicks)

/** Where a row begins in its piece. */
const startOf = (row: number): number => (row % rowsAPiece) * rowNumbers
