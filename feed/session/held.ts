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

const at = { receivedAt: 0, exchangeTime: 1, time: 2, hash: 3, kind: 4, depth: 5 } as const
const rowNumbers = at.depth + depthNumbers
const kinds = { fresh: 0, snapshot: 1 } as const
const rowTexts = 3
/** The table grows by so many lines (1.3 MB): to copy it, once it is large, would take longer than a flip may. */
const slotsAPiece = 1024
const rowsAPiece = slotsAPiece * maxHeldTicks

/**
 * Where a line's pushes are: its place in the table (from 1; 0: none yet), which of its rows is the oldest, and how many are held, with the mark. The
 * mark, of what was published last, is the oldest of them and has no row.
 */
const inPlace = { slot: 0, oldest: 1, count: 2, isMarked: 3 } as const
const placeNumbers = 4
const inEnds = { markTime: 0, markHash: 1, newestTime: 2, newestHash: 3 } as const
const endNumbers = 4

/**
 * The newest pushes of every line while the gate is closed, in one table of numbers (26 MB for 20,000 lines). Kept as objects, they would
 * fill V8's old generation with 40,000 dead ones a second: 600 MB.
 */
export class HeldPushes {
  readonly #pieces: Float64Array[] = []
  readonly #texts: string[] = []
  readonly #depth = emptyDepth()
  #places = new Int32Array(0)
  /** Time and hash of each line's mark and of its newest push: by these alone most lines are found to have nothing to release. */
  #ends = new Float64Array(0)
  #slots = 0

  /** Makes place for so many lines. */
  reserve(lines: number): void {
    const known = this.#places.length / placeNumbers
    if (lines <= known) return
    const size = Math.max(lines, known * 2)
    const [places, ends] = [new Int32Array(size * placeNumbers), new Float64Array(size * endNumbers)]
    places.set(this.#places)
    ends.set(this.#ends)
    this.#places = places
    this.#ends = ends
  }

  /** How many are held of a line, with the mark. */
  count(line: number): number {
    return this.#places[line * placeNumbers + inPlace.count] ?? 0
  }

  /** When a push was received; `undefined` for the mark. */
  receivedAt(line: number, i: number): number | undefined {
    return i < this.#marksOf(line) ? undefined : this.#number(line, i, at.receivedAt)
  }

  time(line: number, i: number): number {
    return this.#number(line, i, at.time)
  }

  /** Whether a push from this place on is the first one of a connection. */
  hasSnapshot(line: number, from: number): boolean {
    for (let i = from; i < this.count(line); i++) if (this.#number(line, i, at.kind) === kinds.snapshot) return true
    return false
  }

  /** Forgets what is held of a line. */
  forget(line: number): void {
    this.#places[line * placeNumbers + inPlace.count] = 0
  }

  /** Keeps a push as the newest of its line. */
  hold(line: number, { depth, receivedAt, exchangeTime, time, hash, snapshot }: Push): void {
    const row = this.#nextRow(line)
    const numbers = this.#pieceOf(row)
    const start = startOf(row)
    numbers[start + at.receivedAt] = receivedAt
    numbers[start + at.exchangeTime] = exchangeTime ?? Number.NaN
    numbers[start + at.time] = time
    numbers[start + at.hash] = hash
    numbers[start + at.kind] = snapshot ? kinds.snapshot : kinds.fresh
    this.#ends[line * endNumbers + inEnds.newestTime] = time
    this.#ends[line * endNumbers + inEnds.newestHash] = hash
    writeDepth(numbers, start + at.depth, depth)
    this.#texts[row * rowTexts] = depth.TradingDay
    this.#texts[row * rowTexts + 1] = depth.ActionDay
    this.#texts[row * rowTexts + 2] = depth.UpdateTime
  }

  /** Forgets a line's pushes and keeps in their place which tick was published last. */
  mark(line: number, time: number, hash: number): void {
    const at = line * placeNumbers
    this.#places[at + inPlace.count] = 1
    this.#places[at + inPlace.isMarked] = 1
    this.#ends[line * endNumbers + inEnds.markTime] = time
    this.#ends[line * endNumbers + inEnds.markHash] = hash
  }

  /** Place from the oldest, counted from 0, of this very tick; -1 where it is not held. The newest counts, were there two. */
  find(line: number, time: number, hash: number): number {
    const firstPush = this.#marksOf(line)
    const newest = this.count(line) - 1
    if (newest >= firstPush && this.#isEnd(line, inEnds.newestTime, time, hash)) return newest
    for (let i = newest - 1; i >= firstPush; i--) {
      const row = this.#rowOf(line, i)
      const numbers = this.#pieceOf(row)
      const start = startOf(row)
      if (numbers[start + at.time] === time && numbers[start + at.hash] === hash) return i
    }
    return firstPush === 1 && this.#isEnd(line, inEnds.markTime, time, hash) ? 0 : -1
  }

  #isEnd(line: number, end: number, time: number, hash: number): boolean {
    const at = line * endNumbers + end
    return this.#ends[at] === time && this.#ends[at + 1] === hash
  }

  /** The oldest push for which `holds`; -1 where there is none. */
  findPush(line: number, holds: (time: number, volume: number) => boolean): number {
    const count = this.count(line)
    for (let i = this.#marksOf(line); i < count; i++) {
      const row = this.#rowOf(line, i)
      const numbers = this.#pieceOf(row)
      const start = startOf(row)
      if (holds(numbers[start + at.time] as number, numbers[start + at.depth + depthVolume] as number)) return i
    }
    return -1
  }

  /** The push at a place from the oldest; `undefined` for the mark. Its depth holds until the next call. */
  read(line: number, i: number, instrument: string): Push | undefined {
    if (i < this.#marksOf(line)) return undefined
    const row = this.#rowOf(line, i)
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
  #nextRow(line: number): number {
    const places = this.#places
    const at = line * placeNumbers
    const slot = places[at] || this.#takeSlot(line)
    const marks = this.#marksOf(line)
    const [oldest, count] = [places[at + inPlace.oldest] ?? 0, places[at + inPlace.count] ?? 0]
    if (marks === 0) places[at + inPlace.isMarked] = 0
    if (count < maxHeldTicks) places[at + inPlace.count] = count + 1
    else if (marks === 1) places[at + inPlace.isMarked] = 0
    else places[at + inPlace.oldest] = (oldest + 1) % maxHeldTicks
    return (slot - 1) * maxHeldTicks + ((oldest + count - marks) % maxHeldTicks)
  }

  #takeSlot(line: number): number {
    if (this.#slots % slotsAPiece === 0) this.#pieces.push(new Float64Array(rowsAPiece * rowNumbers))
    const slot = ++this.#slots
    this.#places[line * placeNumbers] = slot
    return slot
  }

  /** A place that was emptied has no mark, whatever it says. */
  #marksOf(line: number): number {
    const at = line * placeNumbers
    return this.#places[at + inPlace.isMarked] === 1 && this.count(line) > 0 ? 1 : 0
  }

  #number(line: number, i: number, member: number): number {
    const row = this.#rowOf(line, i)
    return this.#pieceOf(row)[startOf(row) + member] as number
  }

  #rowOf(line: number, i: number): number {
    const at = line * placeNumbers
    const [slot, oldest] = [this.#places[at] ?? 0, this.#places[at + inPlace.oldest] ?? 0]
    return (slot - 1) * maxHeldTicks + ((oldest + i - this.#marksOf(line)) % maxHeldTicks)
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

/** Where a row begins in its piece. */
const startOf = (row: number): number => (row % rowsAPiece) * rowNumbers
