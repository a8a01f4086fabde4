import { GapLedger } from './gapledger.ts'
import type { Parcel } from './sender.ts'

/** A server that dies takes with it what it has read so lately and not passed on yet: half a second where it has no core for itself. */
const passingOnMs = 500

/** Ticks that a core server has read a moment ago. It tells of reading alone; that they were passed on is known by its being alive later. */
export class JustRead {
  #batches: { at: number; ledger: GapLedger }[] = []

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  /** The server has read these, at `now` on a clock of ms, and is alive. */
  add(parcels: Parcel[], now: number): void {
    this.alive(now)
    const ledger = new GapLedger()
    for (const { queued } of parcels) if (queued) ledger.add('BusDisconnected', queued)
    this.#batches.push({ at: now, ledger })
  }

  /** The server has said something. */
  alive(now: number): void {
    const first = this.#batches.findIndex(({ at }) => now - at < passingOnMs)
    if (first !== 0) this.#batches = first < 0 ? [] : this.#batches.slice(first)
  }

  /** The server is gone: what it may have taken with it. */
  take(): GapLedger {
    const all = new GapLedger()
    for (const { ledger } of this.#batches) all.take(ledger)
    this.#batches = []
    return all
  }
}
