/** Instruments `from` up to `to` that are due in a round; `at` is when the first of them is, and each next one `everyMs` later. */
export type Due = { from: number; to: number; round: number; at: number; everyMs: number }

/**
 * Says which instruments are due: each `rate` times a second, all of them spread evenly over the interval by their number. What is
 * due, and when, follows from the time since an anchor and not from how often it is asked, so the rate does not drift. After a pause
 * of more than one interval (a suspended machine) the missed rounds are counted as late and left out.
 */
export class Pacer {
  readonly #count: number
  #rate: number
  #anchor: number
  #done = 0
  #offset = 0
  late = 0

  constructor(count: number, rate: number, now: number) {
    this.#count = count
    this.#rate = rate
    this.#anchor = now
  }

  get rate(): number {
    return this.#rate
  }

  /** Times a second and instrument; 0 for none. */
  setRate(rate: number, now: number): void {
    this.#anchor = now
    this.#rate = rate
    this.#offset = this.#done
  }

  /** What became due since the last call: nothing, one range, or two at the end of a round. */
  due(now: number): Due[] {
    const perMs = (this.#rate * this.#count) / 1000
    const target = this.#offset + Math.floor((now - this.#anchor) * perMs)
    const missed = Math.max(0, target - this.#done - this.#count)
    this.late += missed
    this.#done += missed
    const ranges: Due[] = []
    while (this.#done < target) {
      const from = this.#done % this.#count
      const to = Math.min(this.#count, from + target - this.#done)
      const at = this.#anchor + (this.#done + 1 - this.#offset) / perMs
      ranges.push({ from, to, round: Math.floor(this.#done / this.#count), at, everyMs: 1 / perMs })
      this.#done += to - from
    }
    return ranges
  }
}
