const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** ms of a duration as specs write it: `250ms`, `120s`, `2m`, `1h`. */
export function millisecondsOf(duration: string): number {
  const [, digits, unit] = /^(\d+)(ms|s|m|h)$/.exec(duration) ?? []
  return Number(digits) * unitMs[unit as keyof typeof unitMs]
}
