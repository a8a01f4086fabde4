/** Numbers that a seed determines, for a simulation; never for secrets. */
export type Random = {
  /** In [0, 1). */
  next(): number
  /** Integer from 0 to below `count`. */
  below(count: number): number
  /** From `least` to below `most`. */
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<T>(choices: readonly [T, ...T[]]): T
  /** So many hexadecimal digits. */
  hex(digits: number): string
}

/** Mulberry32: 32 bits of state, passes gjrand, and one multiplication more than a counter. */
export function seededRandom(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    next,
    below,
    between: (least, most) => least + next() * (most - least),
    chance: probability => next() < probability,
    pick: choices => choices[below(choices.length)] ?? choices[0],
    hex: digits => Array.from({ length: digits }, () => below(16).toString(16)).join(''),
  }
}
