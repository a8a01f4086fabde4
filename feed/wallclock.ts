const startedAt = performance.timeOrigin

/** ms since 1970 with microsecond decimals: the clock of `receivedAt` and `publishedAt`. */
export function wallClock(): number {
  return Math.round((startedAt + performance.now()) * 1000) / 1000
}
