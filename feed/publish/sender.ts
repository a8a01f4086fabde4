import type { NatsConnection } from '@nats-io/transport-node'
import type { Gap } from '../../crds/contract/tick.ts'
import type { Cohort } from './cohorts.ts'
import type { GapLedger, LossReason, LostTick } from './gapledger.ts'
import type { Lane } from './lane.ts'

/** A tick on its way, and the flush that waits for it. */
export type QueuedTick = LostTick & { sequence: number; publishedAt: number; lane: Lane; cohort: Cohort }

/** What goes over the wire: a tick or a gap. The header has the message id. */
export type Parcel = { subject: string; header: Uint8Array; payload: Uint8Array; queued?: QueuedTick; gap?: Gap }

/** How parcels reach the server, and what counts as delivered: two implementations, core and JetStream. */
export type Sender = {
  /** Sending is possible, and fewer parcels than the window allows are on their way. */
  hasRoom(): boolean
  /** The bus is there, and takes what is sent. */
  isReady(): boolean
  send(parcel: Parcel): void
  outstanding(): number
  resent(): number
  attach(connection: NatsConnection): void
  detach(): void
  /** Somebody waits for what is on its way: asks for its confirmation at once, where the mode would ask later. */
  confirm(): void
  /** Parcels that are on their way, when nobody waits for them any more. */
  abandon(): Parcel[]
}

export type SenderHandlers = {
  /** It is published, as far as the mode can tell at once, and the next one of its instrument may follow. `at` as `publishedAt`. */
  delivered(parcel: Parcel, at: number): void
  /** The server has it; nobody needs to wait for it any more. */
  confirmed(parcel: Parcel): void
  /** Instead of `confirmed`; it may have been delivered. */
  lost(parcel: Parcel, reason: LossReason): void
  /** Confirmed before, and lost with the server all the same, for all that is known. */
  doubted(ticks: GapLedger): void
  /** What is wrong with the bus; `undefined` where nothing is. */
  changed(message: string | undefined): void
  /** There may be room again. */
  roomy(): void
}
