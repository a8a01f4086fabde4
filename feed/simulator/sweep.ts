/** A push of many instruments once, in order, spread evenly over a time. */
export class Sweep {
  readonly #numbers: Int32Array
  readonly #from: number
  readonly #ms: number
  /** What becomes of an instrument before it is pushed; `at` in ms since 1970. */
  readonly act: (number: number, at: number) => void
  #done = 0

  constructor(numbers: Int32Array, from: number, ms: number, act: (number: number, at: number) => void) {
    this.#numbers = numbers
    this.#from = from
    this.#ms = ms
    this.act = act
  }

  get isOver(): boolean {
    return this.#done >= this.#numbers.length
  }

  /** Those that became due since the last call. */
  due(now: number): Int32Array {
    const share = this.#ms === 0 ? 1 : Math.min(1, Math.max(0, (now - this.#from) / this.#ms))
    const first = this.#done
    this.#done = Math.max(first, Math.floor(share * this.#numbers.length))
    return this.#numbers.subarray(first, this.#done)
  }
}
