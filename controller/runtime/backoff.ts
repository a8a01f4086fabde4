/** Limits of the wait after the n-th failure in a row: 5 ms doubling to 5 minutes (controller-runtime's floor, a shorter ceiling). */
export const backoffLimits = { firstMs: 5, ceilingMs: 300_000 } as const

export type BackoffLimits = { firstMs: number; ceilingMs: number }

/**
 * Wait before the next try after `failures` failures in a row (1 is the first), in ms. Half of it is fixed and half random, so that
 * keys that failed together do not come back together. `random` is in [0, 1).
 */
export function backoffMs(failures: number, random: number, { firstMs, ceilingMs }: BackoffLimits = backoffLimits): number {
  const full = Math.min(ceilingMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return full / 2 + (full / 2) * random
}
