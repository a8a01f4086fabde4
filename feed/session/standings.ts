/** What a row has: the newest published tick of a line. Sequence 0 where there is none; time in ms, as the gate orders ticks. */
export const inRow = { sequence: 0, time: 1, volume: 2, hash: 3 } as const
export const rowNumbers = 4

/**
 * Where each line stands with the bus, in one table of numbers: one copy makes a position of it, or puts it where a position says. As members of 20,000
 * objects that took 10 ms a flip, and 250 in the first one, in which V8 laid each object out anew.
 */
export class Standings {
  #rows = new Float64Array(0)
  /** 1 until the stream of a line is known to have passed its newest published tick, after a take-over or a reconnect. */
  #anchored = new Uint8Array(0)

  /** Makes place for so many lines. */
  reserve(lines: number): void {
    if (lines <= this.#anchored.length) return
    const size = Math.max(lines, this.#anchored.length * 2)
    const [rows, anchored] = [new Float64Array(size * rowNumbers), new Uint8Array(size)]
    rows.set(this.#rows)
    anchored.set(this.#anchored)
    this.#rows = rows
    this.#anchored = anchored
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
    return this.#anchored[line] === 1
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
    this.#anchored[line] = 0
  }

  /** Every line that has published waits until its stream is past that. */
  anchor(): void {
    for (let line = 0; line < this.#anchored.length; line++) this.#anchored[line] = this.sequence(line) > 0 ? 1 : 0
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
    this.anchor()
    if (margin > 0) for (let at = 0; at < this.#rows.length; at += rowNumbers) this.#rows[at] = (this.#rows[at] ?? 0) + margin
  }
}
