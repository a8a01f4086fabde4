import type { Account } from '../../crds/contract/desired.ts'
import type { FailoverRecord } from '../../crds/contract/feedstatus.ts'

/** The flips of the gate: how many there were, and how long each phase of the newest took since it was ordered. */
export class Failovers {
  count = 0
  last: FailoverRecord | undefined
  /** When the new account published its first tick, ms since 1970; `undefined` until it has. */
  firstTickAt: number | undefined
  #orderedAt = performance.now()

  /** Somebody ordered a flip, at this moment of `performance.now()`. */
  ordered(at: number): void {
    this.#orderedAt = at
  }

  begin(from: Account, to: Account, epoch: number, reason: string): void {
    this.count++
    this.firstTickAt = undefined
    this.last = { from, to, epoch, reason, at: Date.now(), phases: {} }
  }

  closed(): void {
    if (this.last) this.last.phases.closedMs = this.#sinceOrder()
  }

  /** Answers the flip that this completes. */
  opened(): FailoverRecord | undefined {
    const { last } = this
    if (last === undefined) return undefined
    last.phases.openedMs = this.#sinceOrder()
    if (last.phases.firstTickMs === undefined) return undefined
    last.phases.firstTickMs = last.phases.openedMs
    return last
  }

  /** The account has published its first tick; word of it may come before that of the open gate. Answers the flip that this completes. */
  ticked(account: Account, epoch: number): FailoverRecord | undefined {
    const { last } = this
    if (last === undefined || last.to !== account || last.epoch !== epoch) return undefined
    if (last.phases.firstTickMs !== undefined) return undefined
    last.phases.firstTickMs = this.#sinceOrder()
    this.firstTickAt = Date.now()
    return last.phases.openedMs === undefined ? undefined : last
  }

  #sinceOrder(): number {
    return performance.now() - this.#orderedAt
  }
}
