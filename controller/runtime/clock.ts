/** Time as the controller sees it; a simulation puts its own in its place. */
export type Clock = {
  /** ms since 1970 */
  now(): number
  /** Calls once after so many ms, unless the returned function was called before. Never keeps the process alive by itself. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
