/** What a row has: the newest published tick of a line. Sequence 0 where there is none; time in ms, as the gate orders ticks. */
export const inRow = { sequence: 0, time: 1, volume: 2, hash: 3 } as const
export const rowNumbers = 4

/** The anchor of a line whose newest published tick is another session's. */
export const takenOver = Number.POSITIVE_INFINITY

/**
 * Where each line stands with the bus, in one table of numbers: one copy makes a position of it, or puts it where a position says. As members of 20,000
 * objects that took 10 ms a flip, and 250 in the first one, in which V8 laid each object out anew.
 */
export class Standings {
  #rows = new Float64Array(0)
  /**
   * Until the stream of a line is known to have passed its newest published tick: since when the session has missed ticks (ms since 1970), or
   * `takenOver`; else 0.
   */
  #anchors = new Float64Array(0)

  /** Makes place for so many lines. */
  reserve(lines: number): void {
    if (lines <= this.#anchors.length) return
    const size = Math.max(lines, this.#anchors.length * 2)
    const [rows, anchors] = [new Float64Array(size * rowNumbers), new Float64Array(size)]
    rows.set(this.#rows)
    anchors.set(this.#anchors)
    this.#rows = rows
    this.#anchors = anchors
  }

  sequence(line: number): number {
    return this.#rows[line * rowNumbers + inRow.sequence] ?? 0
  }

  time(line: number): number {
    return this.#rows[line * rowNumbers + inRow.time] ?? 0
  }

  volume(line: number): number {
    return this.#rows[line * rowNumbers + inRow.volume] ?? 0
  }

  hash(line: number): number {
    return this.#rows[line * rowNumbers + inRow.hash] ?? 0
  }

  isAnchored(line: number): boolean {
    return this.#anchors[line] !== 0
  }

  /** Since when the session has missed ticks of an anchored line; `takenOver` where what it waits for is another session's. */
  anchor(line: number): number {
    return this.#anchors[line] ?? 0
  }

  /** Answers the sequence of a tick that is published. */
  pass(line: number, time: number, volume: number, hash: number): number {
    const rows = this.#rows
    const at = line * rowNumbers
    const sequence = (rows[at] ?? 0) + 1
    rows[at] = sequence
    rows[at + inRow.time] = time
    rows[at + inRow.volume] = volume
    rows[at + inRow.hash] = hash
    return sequence
  }

  /** The stream is past what was published. */
  release(line: number): void {
    this.#anchors[line] = 0
  }

  /** A line that has published waits until its stream is past that. One that waits already goes on with it. */
  drop(line: number, since: number): void {
    if (this.sequence(line) > 0 && this.#anchors[line] === 0) this.#anchors[line] = since
  }

  /** The rows of the first `lines`, one after the other. */
  copy(lines: number): Float64Array {
    return this.#rows.slice(0, lines * rowNumbers)
  }

  /** Takes rows over, one for each line; whatever had published waits. `margin` is added to every sequence. */
  put(rows: Float64Array, margin: number): void {
    this.reserve(rows.length / rowNumbers)
    this.#rows.fill(0)
    this.#rows.set(rows)
    for (let line = 0; line < this.#anchors.length; line++) this.#anchors[line] = this.sequence(line) > 0 ? takenOver : 0
    if (margin > 0) for (let at = 0; at < this.#rows.length; at += rowNumbers) this.#rows[at] = (this.#rows[at] ?? 0) + margin
  }
}
