import type { NatsConnection } from '@nats-io/transport-node'
import type { Gap, Tick } from '../../crds/contract/tick.ts'
import { Cohorts } from './cohorts.ts'
import { encodeGap, encodeTick, gapIdOf, gapSubjectOf, subjectCache, wallClock } from './encoding.ts'
import { GapLedger, isMergeable, type LossReason, merge } from './gapledger.ts'
import { LatencyWindow } from './latency.ts'
import type { Publisher, PublisherStatus } from './publisher.ts'
import { ConflatingQueue } from './queue.ts'
import type { Parcel, QueuedTick, Sender, SenderHandlers } from './sender.ts'

const gapEveryMs = 1000
/** Gaps that wait for the bus; those of one epoch and reason are merged, so that an outage needs a few. */
const maxGaps = 256

export type OutletOptions = {
  type: 'nats' | 'jetstream'
  feed: string
  subjectPrefix: string
  maxTicks: number
  onGap(gap: Gap): void
  /** Called where the state of the bus becomes another. */
  onChange(isReady: boolean, message: string | undefined): void
  senderOf(handlers: SenderHandlers): Sender
  /** Ends the connection behind the sender. */
  disconnect(): Promise<void>
}

/** The publisher to a bus: queue, gaps and counts around a sender. `attach` and `detach` follow the connection. */
export class Outlet implements Publisher {
  readonly #options: OutletOptions
  readonly #sender: Sender
  readonly #queue: ConflatingQueue<QueuedTick>
  readonly #cohorts = new Cohorts()
  readonly #ledger = new GapLedger()
  readonly #latency = new LatencyWindow()
  readonly #subjectOf: (tick: Tick) => string
  readonly #beat: NodeJS.Timeout
  #gaps: Gap[] = []
  #isGapOnItsWay = false
  #isClosed = false
  #message: string | undefined = 'connecting'
  #published = 0
  #conflated = 0
  #dropped = 0
  #flushes = 0

  constructor(options: OutletOptions) {
    this.#options = options
    this.#subjectOf = subjectCache(options.subjectPrefix)
    this.#queue = new ConflatingQueue(options.maxTicks, {
      conflated: queued => {
        this.#conflated++
        this.#lose(queued, 'Conflated')
      },
      dropped: queued => {
        this.#dropped++
        this.#lose(queued, 'QueueOverflow')
      },
    })
    this.#sender = options.senderOf(this.#handlers())
    this.#beat = setInterval(() => this.#tellGaps(), gapEveryMs)
  }

  publish(tick: Tick, messageId: string): void {
    if (this.#isClosed) return
    const queued = { tick, messageId, cohort: this.#cohorts.enter() }
    const isPressed = this.#options.type === 'nats' && !this.#sender.isReady()
    this.#queue.offer(tick.instrument, queued, isPressed)
    this.#pump()
  }

  publishGap(gap: Gap): void {
    if (this.#isClosed) return
    this.#keepGap(gap)
    this.#pump()
  }

  status(): PublisherStatus {
    return {
      type: this.#options.type,
      connected: this.#sender.isReady(),
      ...(this.#message === undefined ? {} : { message: this.#message }),
      queued: this.#queue.size,
      outstanding: this.#sender.outstanding(),
      published: this.#published,
      conflated: this.#conflated,
      dropped: this.#dropped,
      resent: this.#sender.resent(),
      latencyMs: this.#latency.summary(wallClock()),
    }
  }

  async flush(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = () => resolve()
    signal.addEventListener('abort', end, { once: true })
    this.#flushes++
    this.#sender.confirm()
    await Promise.race([this.#cohorts.before(), promise])
    this.#flushes--
    signal.removeEventListener('abort', end)
  }

  withdraw(): number {
    const underway = this.#sender.abandon()
    for (const parcel of underway) this.#release(parcel)
    for (const { gap } of underway) if (gap !== undefined) this.#keepGap(gap)
    const ticks = [...this.#queue.drain(), ...underway.flatMap(({ queued }) => queued ?? [])]
    this.#dropped += ticks.length
    for (const queued of ticks) this.#lose(queued, 'Withdrawn')
    this.#tellGaps()
    return ticks.length
  }

  /** What waits or is not acknowledged is told to `onGap` as `PublisherClosed`: flush first. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#beat)
    const waiting = this.#queue.drain()
    this.#dropped += waiting.length
    const underway = this.#sender.abandon().flatMap(({ queued }) => queued ?? [])
    for (const queued of [...waiting, ...underway]) this.#lose(queued, 'PublisherClosed')
    for (const gap of this.#ledger.drain()) this.#options.onGap(gap)
    await this.#options.disconnect()
  }

  attach(connection: NatsConnection): void {
    this.#sender.attach(connection)
  }

  detach(message: string): void {
    this.#sender.detach()
    this.report(message)
  }

  /** Takes note of the state of the bus; `undefined` where all is well. */
  report(message: string | undefined): void {
    if (message === this.#message || this.#isClosed) return
    this.#message = message
    this.#options.onChange(this.#sender.isReady(), message)
  }

  #handlers(): SenderHandlers {
    return {
      delivered: (parcel, at) => this.#delivered(parcel, at),
      confirmed: ({ queued }) => queued && this.#cohorts.leave(queued.cohort),
      lost: (parcel, reason) => this.#lostUnderway(parcel, reason),
      doubted: ticks => this.#ledger.take(ticks),
      changed: message => this.report(message),
      roomy: () => this.#pump(),
    }
  }

  #pump(): void {
    while (!this.#isClosed && this.#sender.hasRoom()) {
      if (!this.#isGapOnItsWay && this.#gaps.length > 0) this.#sendGap()
      else if (!this.#sendTick()) break
    }
    if (this.#flushes > 0) this.#sender.confirm()
  }

  #sendTick(): boolean {
    const queued = this.#queue.take()
    if (queued === undefined) return false
    const { tick, messageId } = queued
    this.#sender.send({ subject: this.#subjectOf(tick), payload: encodeTick(tick), messageId, queued })
    return true
  }

  #sendGap(): void {
    const gap = this.#gaps.shift()
    if (gap === undefined) return
    this.#isGapOnItsWay = true
    const { feed, subjectPrefix } = this.#options
    const subject = gapSubjectOf(subjectPrefix, feed)
    this.#sender.send({ subject, payload: encodeGap(gap), messageId: gapIdOf(gap), gap })
  }

  #delivered(parcel: Parcel, at: number): void {
    this.#release(parcel)
    if (parcel.queued === undefined) return
    this.#published++
    this.#latency.add(at - parcel.queued.tick.receivedAt, at)
  }

  #release({ queued }: Parcel): void {
    if (queued === undefined) this.#isGapOnItsWay = false
    else this.#queue.release(queued.tick.instrument)
  }

  /** A lost gap is told again, with the next ones. */
  #lostUnderway(parcel: Parcel, reason: LossReason): void {
    this.#release(parcel)
    if (parcel.gap !== undefined) this.#keepGap(parcel.gap)
    if (parcel.queued === undefined) return
    if (reason !== 'BusDisconnected') this.#dropped++
    this.#lose(parcel.queued, reason)
  }

  #keepGap(gap: Gap): void {
    const index = this.#gaps.findIndex(waiting => isMergeable(waiting, gap))
    const waiting = this.#gaps[index]
    if (waiting !== undefined) this.#gaps[index] = merge(waiting, gap)
    else if (this.#gaps.push(gap) > maxGaps) this.#gaps.shift()
  }

  #lose(queued: QueuedTick, reason: LossReason): void {
    this.#ledger.add(reason, queued.tick)
    this.#cohorts.leave(queued.cohort)
  }

  #tellGaps(): void {
    for (const gap of this.#ledger.drain()) {
      this.#options.onGap(gap)
      this.publishGap(gap)
    }
  }
}
