const seconds = 10
const octaves = 32
const perOctave = 8
const bins = octaves * perOctave
const smallestMs = 0.001

type Second = { at: number; max: number; counts: Uint32Array }

/**
 * Latencies of the last ten seconds, in a fixed amount of memory: from 1 microsecond to an hour, eight bins to a doubling,
 * so that a percentile is at most 9 % too high. `max` is exact.
 */
export class LatencyWindow {
  readonly #seconds: Second[] = Array.from({ length: seconds }, () => ({ at: -1, max: 0, counts: new Uint32Array(bins) }))

  /** `nowMs` on any clock that does not go back. */
  add(latencyMs: number, nowMs: number): void {
    const second = this.#secondAt(Math.floor(nowMs / 1000))
    const bin = binOf(latencyMs)
    second.counts[bin] = (second.counts[bin] ?? 0) + 1
    if (latencyMs > second.max) second.max = latencyMs
  }

  summary(nowMs: number): { p50: number; p99: number; max: number } {
    const oldest = Math.floor(nowMs / 1000) - seconds
    const current = this.#seconds.filter(second => second.at > oldest)
    const max = Math.max(0, ...current.map(second => second.max))
    const counts = new Float64Array(bins).map((_, bin) => current.reduce((sum, second) => sum + (second.counts[bin] ?? 0), 0))
    const total = counts.reduce((sum, count) => sum + count, 0)
    return { p50: Math.min(max, percentile(counts, total * 0.5)), p99: Math.min(max, percentile(counts, total * 0.99)), max }
  }

  #secondAt(at: number): Second {
    const second = this.#seconds[at % seconds] as Second
    if (second.at === at) return second
    second.at = at
    second.max = 0
    second.counts.fill(0)
    return second
  }
}

function binOf(latencyMs: number): number {
  const bin = Math.floor(Math.log2(Math.max(latencyMs, smallestMs) / smallestMs) * perOctave)
  return Math.min(bin, bins - 1)
}

/** The upper edge of the bin in which the rank lies. */
function percentile(counts: Float64Array, rank: number): number {
  let seen = 0
  for (const [bin, count] of counts.entries()) {
    seen += count
    if (seen >= rank && seen > 0) return smallestMs * 2 ** ((bin + 1) / perOctave)
  }
  return 0
}
