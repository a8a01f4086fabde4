/** What is looked at before a session that grows is replaced. Sizes are resident sets in bytes. */
export type MemoryWatch = {
  /** Age of the process. */
  ageMs: number
  bytes: number
  boundBytes: number
  /** Whether its gate is open. */
  publishes: boolean
  /** No instrument is in session. */
  isQuiet: boolean
  /** The other account's session, where there is one. */
  other: { isLive: boolean; bytes: number } | undefined
}

export type MemoryStep = 'none' | 'replace' | 'flip'

/** Each session has this share of the memory that the container, or the machine, gives the feed; the supervisor has the rest. */
export const sessionMemoryShare = (sessions: number): number => (sessions > 1 ? 0.4 : 0.6)

/** A publishing session over this many bounds waits for a quiet moment no longer. */
const urgency = 1.25

/** What a session takes up as it starts is no growth, and another would take as much. */
const settlingMs = 30_000

/**
 * What to do about a session that grows: it is replaced by a new process. One that does not publish goes first and at once, one that does when
 * the market is closed; where that takes too long, the other account publishes in its place.
 */
export function memoryStep({ ageMs, bytes, boundBytes, publishes, isQuiet, other }: MemoryWatch): MemoryStep {
  if (bytes < boundBytes || ageMs < settlingMs) return 'none'
  if (!publishes) return 'replace'
  if (other !== undefined && other.bytes >= boundBytes) return 'none'
  if (isQuiet) return 'replace'
  if (bytes < boundBytes * urgency) return 'none'
  return other?.isLive ? 'flip' : 'replace'
}
