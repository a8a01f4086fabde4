import type { Gap } from '../../crds/contract/tick.ts'
import type { NumberedPush } from './numbered.ts'

/**
 * The way from a session to the bus: a bounded queue, an encoder and a connection. One a session.
 *
 * `publish` never blocks and never throws: under pressure (bus slow or away) the queue conflates per instrument, newest wins, and every
 * tick so replaced is counted in `conflated` and ends up in a gap record with the reason `Conflated`; ticks that the bound
 * forces out are counted in `dropped`, with a gap `QueueOverflow`. Order per instrument is kept.
 */
export type Publisher = {
  /** The message id is deterministic: the same tick from either account has the same. */
  publish(push: NumberedPush): void
  publishGap(gap: Gap): void
  status(): PublisherStatus
  /** Resolves when all that was published before is with the server (acknowledged, where the mode acknowledges), or the signal ends. */
  flush(signal: AbortSignal): Promise<void>
  /**
   * Takes back what waits, and waits no longer for what is on its way: another account publishes from here on, and consumers would
   * refuse it as that of a deposed one. All of it is told as a gap `Withdrawn`. Answers how many ticks that were.
   */
  withdraw(): number
  close(): Promise<void>
}

export type PublisherStatus = {
  type: 'none' | 'nats' | 'jetstream'
  connected: boolean
  message?: string
  /** Ticks that wait in the queue, and messages sent and not acknowledged. */
  queued: number
  outstanding: number
  published: number
  conflated: number
  dropped: number
  /** Messages that the server refused or did not acknowledge in time and that were sent again. */
  resent: number
  /** ms from gateway callback to hand-over to the bus (or acknowledgement, where the mode acknowledges); over the last 10 s. */
  latencyMs: { p50: number; p99: number; max: number }
}
