import type { Gap } from '../../crds/contract/tick.ts'

/** A gap names its instruments up to this number (crds/contract/tick.ts). */
const maxNames = 100

/**
 * - `Conflated`: a newer tick of the same instrument took the place of these.
 * - `QueueOverflow`: the bound of the queue forced these out.
 * - `BusDisconnected`: sent without acknowledgement over a connection that then broke, or read by the server in its last half second; they may have
 *   arrived.
 * - `BusRefused`: the server refused these for longer than we try again.
 * - `DuplicateId`: the stream had a tick with this id, from another publisher or under another sequence, and swallowed this one.
 * - `Withdrawn`: these waited, or were not acknowledged, when the gate moved to the other account.
 * - `PublisherClosed`: these waited, or were not acknowledged, when the session closed its publisher.
 */
export type LossReason =
  | 'Conflated'
  | 'QueueOverflow'
  | 'BusDisconnected'
  | 'BusRefused'
  | 'DuplicateId'
  | 'Withdrawn'
  | 'PublisherClosed'

/** What a gap says of a tick. */
export type LostTick = { instrument: string; epoch: number; receivedAt: number }

/** Ticks of one epoch that are lost for one reason. Times are of their receipt. */
type Loss = { epoch: number; reason: LossReason; from: number; to: number; instruments: Set<string> }

/** Gathers lost ticks into one gap an epoch and reason. */
export class GapLedger {
  readonly #losses = new Map<string, Loss>()

  add(reason: LossReason, { instrument, epoch, receivedAt: at }: LostTick): void {
    const key = `${epoch} ${reason}`
    const loss = this.#losses.get(key)
    if (loss === undefined) {
      this.#losses.set(key, { epoch, reason, from: at, to: at, instruments: new Set([instrument]) })
      return
    }
    loss.from = Math.min(loss.from, at)
    loss.to = Math.max(loss.to, at)
    loss.instruments.add(instrument)
  }

  /** What another ledger has gathered, which forgets it. */
  take(other: GapLedger): void {
    for (const [key, loss] of other.#losses) {
      const known = this.#losses.get(key)
      if (known === undefined) this.#losses.set(key, loss)
      else {
        known.from = Math.min(known.from, loss.from)
        known.to = Math.max(known.to, loss.to)
        for (const instrument of loss.instruments) known.instruments.add(instrument)
      }
    }
    other.#losses.clear()
  }

  /** The gaps of a feed since the last call. */
  drain(feed: string): Gap[] {
    const gaps = [...this.#losses.values()].map(loss => gapOf(feed, loss))
    this.#losses.clear()
    return gaps
  }
}

function gapOf(feed: string, { instruments, ...loss }: Loss): Gap {
  const names = instruments.size <= maxNames ? [...instruments].sort() : []
  return { feed, ...loss, instrumentCount: instruments.size, instruments: names }
}

/** Whether two gaps can be told as one: the same feed, epoch and reason. */
export function isMergeable(a: Gap, b: Gap): boolean {
  return a.feed === b.feed && a.epoch === b.epoch && a.reason === b.reason
}

/** Two gaps as one. Where one of them does not name its instruments, the count is the larger of the two: at least so many. */
export function merge(a: Gap, b: Gap): Gap {
  const span = { ...a, from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) }
  const names = new Set([...a.instruments, ...b.instruments])
  const isNamed = [a, b].every(gap => gap.instruments.length === gap.instrumentCount)
  const instrumentCount = isNamed ? names.size : Math.max(a.instrumentCount, b.instrumentCount, names.size)
  return { ...span, instrumentCount, instruments: isNamed && names.size <= maxNames ? [...names].sort() : [] }
}
