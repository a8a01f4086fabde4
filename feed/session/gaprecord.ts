import type { Gap } from '../../crds/contract/tick.ts'

/** A gap names its instruments up to this number (crds/contract/tick.ts). */
const maxNames = 100

/** The record of a gap that ends now. */
export function gapRecord(gap: Pick<Gap, 'feed' | 'epoch' | 'from' | 'reason'>, instruments: string[]): Gap {
  const instrumentCount = instruments.length
  return { ...gap, to: Date.now(), instrumentCount, instruments: instrumentCount <= maxNames ? instruments : [] }
}
