import { subjectOf } from '../../crds/contract/subject.ts'
import type { Gap, Tick } from '../../crds/contract/tick.ts'

/** ms since 1970 with microsecond decimals: the clock of `receivedAt` and `publishedAt`. */
export function wallClock(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000
}

/** JSON of a tick, with `publishedAt` set to this moment. */
export function encodeTick(tick: Tick): string {
  tick.publishedAt = wallClock()
  return JSON.stringify(tick)
}

export function encodeGap(gap: Gap): string {
  return JSON.stringify(gap)
}

/** The same gap has the same id, whoever sends it again. */
export function gapIdOf({ feed, epoch, reason, from, to }: Gap): string {
  return `gap:${feed}:${epoch}:${reason}:${from}:${to}`
}

/** Subjects of ticks, each made once. Bounded by the instruments of the feed. */
export function subjectCache(prefix: string): (tick: Tick) => string {
  const subjects = new Map<string, string>()
  return tick => {
    const known = subjects.get(tick.instrument)
    if (known !== undefined) return known
    const subject = subjectOf(prefix, tick.exchange, tick.instrument)
    subjects.set(tick.instrument, subject)
    return subject
  }
}

/** `PREFIX-gap.NAMESPACE.FEED` of a feed's key `namespace/feed`. */
export function gapSubjectOf(prefix: string, feed: string): string {
  return `${prefix}-gap.${feed.replace('/', '.')}`
}
