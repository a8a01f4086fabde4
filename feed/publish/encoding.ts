import type { Gap } from '../../crds/contract/tick.ts'

export function encodeGap(gap: Gap): Uint8Array {
  return Buffer.from(JSON.stringify(gap))
}

/** The same gap has the same id, whoever sends it again. */
export function gapIdOf({ feed, epoch, reason, from, to }: Gap): string {
  return `gap:${feed}:${epoch}:${reason}:${from}:${to}`
}

/** `PREFIX-gap.NAMESPACE.FEED` of a feed's key `namespace/feed`. */
export function gapSubjectOf(prefix: string, feed: string): string {
  return `${prefix}-gap.${feed.replace('/', '.')}`
}
