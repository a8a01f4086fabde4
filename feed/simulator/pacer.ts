/**
 * Says which instruments are due: each ticks `rate` times a second, all of them spread evenly over the interval by their number.
 * What is due follows from the time since an anchor and not from how often it is asked, so the rate does not drift. After a pause of
 * more than one interval (a suspended machine) the missed rounds are counted as late and left out.
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

  /** Ticks per second and instrument; 0 for none. */
  setRate(rate: number, now: number): void {
    this.#anchor = now
    this.#rate = rate
    this.#done %= this.#count
    this.#offset = this.#done
  }

  /** Ranges `[from, to)` of instrument numbers that became due since the last call: none, one, or two at the end of a round. */
  due(now: number): [number, number][] {
    const target = this.#offset + Math.floor(((now - this.#anchor) / 1000) * this.#rate * this.#count)
    const missed = Math.max(0, target - this.#done - this.#count)
    this.late += missed
    this.#done += missed
    const ranges: [number, number][] = []
    while (this.#done < target) {
      const from = this.#done % this.#count
      const to = Math.min(this.#count, from + target - this.#done)
      ranges.push([from, to])
      this.#done += to - from
    }
    return ranges
  }
}
