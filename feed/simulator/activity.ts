/** A real front pushes an instrument at most twice a second. */
export const frontPushesPerSecond = 2

/** Spread of the activities: the standard deviation of their logarithms. One instrument in six is 6 times busier than the median. */
const logSpread = 1.8

const everyTime = 2 ** 32

/**
 * How often each instrument ticks. A market has few busy instruments and many quiet ones, so their activities are log-normal; the
 * mean over all of them is the rate. None ticks more often than a front pushes: at a rate of 2 all of them are at that limit and
 * alike, and above it, which is for load alone, too.
 *
 * An instrument has `opportunities` a second and takes each with its probability, drawn from seed, instrument and round: its
 * intervals are whole multiples of the shortest one, as in the recordings.
 */
export class Activity {
  readonly #weights: Float64Array
  readonly #starts: Uint32Array
  readonly #thresholds: Float64Array
  readonly #trickles: Float64Array
  #rate = 0

  constructor(count: number, seed: number, rate: number) {
    this.#starts = Uint32Array.from({ length: count }, (_, number) => mixed(Math.imul(seed + 1, 0x9e3779b1) ^ (number + 1)))
    this.#weights = Float64Array.from(this.#starts, start => Math.exp(logSpread * normal(start)))
    this.#thresholds = new Float64Array(count)
    this.#trickles = new Float64Array(count).fill(-1)
    this.setRate(rate)
  }

  /** Mean of ticks a second and instrument. */
  get rate(): number {
    return this.#rate
  }

  /** Opportunities a second and instrument. */
  get opportunities(): number {
    return Math.max(frontPushesPerSecond, this.#rate)
  }

  setRate(rate: number): void {
    this.#rate = rate
    this.#settle()
  }

  /** Ticks a second of single instruments, whatever the rate; -1 where the rate holds. */
  setTrickles(trickles: (number: number) => number): void {
    for (let number = 0; number < this.#trickles.length; number++) this.#trickles[number] = trickles(number)
    this.#settle()
  }

  ticks(number: number, round: number): boolean {
    const threshold = this.#thresholds[number] ?? 0
    return threshold >= everyTime || mixed((this.#starts[number] ?? 0) + Math.imul(round, 0x9e3779b1)) < threshold
  }

  #settle(): void {
    const share = this.#rate / this.opportunities
    const scale = share >= 1 ? Number.POSITIVE_INFINITY : scaleFor(this.#weights, share)
    for (let number = 0; number < this.#thresholds.length; number++) {
      const trickle = this.#trickles[number] ?? -1
      const own = trickle >= 0 ? trickle / this.opportunities : scale * (this.#weights[number] ?? 0)
      this.#thresholds[number] = Math.min(1, own) * everyTime
    }
  }
}

/** The factor by which weights, held at 1, have this mean. */
function scaleFor(weights: Float64Array, mean: number): number {
  let [low, high] = [0, 1]
  const meanAt = (scale: number) => weights.reduce((sum, weight) => sum + Math.min(1, scale * weight), 0) / weights.length
  while (meanAt(high) < mean && high < 2 ** 40) high *= 2
  for (let halving = 0; halving < 40; halving++) {
    const middle = (low + high) / 2
    if (meanAt(middle) < mean) low = middle
    else high = middle
  }
  return high
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mixed(value: number): number {
  let bits = value
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** A standard normal value of two uniform ones (Box and Muller, 1958). */
function normal(start: number): number {
  const first = (mixed(start ^ 0x5bd1e995) + 1) / (everyTime + 1)
  return Math.sqrt(-2 * Math.log(first)) * Math.cos((2 * Math.PI * mixed(start ^ 0x27d4eb2f)) / everyTime)
}
