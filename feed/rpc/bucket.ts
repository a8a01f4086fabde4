export type BucketOptions = { perSecond: number; burst: number; now: () => number }

/** So many requests a second, and a burst of some more. `now` is in ms. */
export class Bucket {
  readonly #options: BucketOptions
  #tokens: number
  #at: number

  constructor(options: BucketOptions) {
    this.#options = options
    this.#tokens = options.burst
    this.#at = options.now()
  }

  /** Whether one more is within the bound; it is counted then. */
  take(): boolean {
    const { perSecond, burst, now } = this.#options
    const at = now()
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, at - this.#at) / 1000) * perSecond)
    this.#at = at
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
