/** Half of the samples are below. NaN where there are none. */
export const median = (samples: number[]): number => percentile(samples, 0.5)

/** Linear between the two nearest ranks. NaN where there are none. */
export function percentile(samples: number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const rank = (sorted.length - 1) * share
  const below = sorted[Math.floor(rank)] ?? Number.NaN
  const above = sorted[Math.ceil(rank)] ?? Number.NaN
  return below + (above - below) * (rank - Math.floor(rank))
}

/** ms that it took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/**
 * Samples several variants in turns, so that whatever else the machine does hits all of them. Each round begins with another one. A
 * variant answers its own figure.
 */
export async function interleaved<N extends string>(
  rounds: number,
  variants: Record<N, () => Promise<number>>,
  signal: AbortSignal,
): Promise<Record<N, number[]>> {
  const names = Object.keys(variants) as N[]
  const samples = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<N, number[]>
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      signal.throwIfAborted()
      const name = names[(round + turn) % names.length] as N
      samples[name].push(await variants[name]())
    }
  }
  return samples
}
