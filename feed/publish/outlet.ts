import type { NatsConnection } from '@nats-io/transport-node'
import type { Account } from '../../crds/contract/desired.ts'
import { subjectOf } from '../../crds/contract/subject.ts'
import type { Gap } from '../../crds/contract/tick.ts'
import { wallClock } from '../wallclock.ts'
import { type Cohort, Cohorts } from './cohorts.ts'
import { encodeGap, gapIdOf, gapSubjectOf } from './encoding.ts'
import { GapLedger, isMergeable, type LossReason, merge } from './gapledger.ts'
import { type Lane, Lanes } from './lane.ts'
import { LatencyWindow } from './latency.ts'
import type { NumberedPush, TickLine } from './numbered.ts'
import type { Publisher, PublisherStatus } from './publisher.ts'
import { ConflatingQueue } from './queue.ts'
import { Rows } from './rows.ts'
import type { Parcel, QueuedTick, Sender, SenderHandlers } from './sender.ts'
import { TickWriter } from './tickwriter.ts'
import { Turn } from './turn.ts'
import { headerOf } from './wire.ts'

const gapEveryMs = 1000
/**
 * Parcels that leave in one turn of the event loop: 5 to 10 ms. What the front has sent meanwhile is read before more leave, because a front cuts a session
 * that is 10,000 packets behind, while what waits here is conflated and told.
 */
const parcelsPerTurn = 512
/** Gaps that wait for the bus; those of one epoch and reason are merged, so that an outage needs a few. */
const maxGaps = 256

export type OutletOptions = {
  type: 'nats' | 'jetstream'
  feed: string
  account: Account
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
  readonly #rows = new Rows()
  readonly #lanes = new Lanes()
  readonly #queue: ConflatingQueue<number>
  readonly #writer: TickWriter
  readonly #cohorts = new Cohorts()
  readonly #ledger = new GapLedger()
  readonly #latency = new LatencyWindow()
  readonly #beat: NodeJS.Timeout
  readonly #turn = new Turn(parcelsPerTurn, () => this.#pump())
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
    this.#writer = new TickWriter(options)
    this.#queue = new ConflatingQueue(options.maxTicks, {
      conflated: row => {
        this.#conflated++
        this.#loseRow(row, 'Conflated')
      },
      dropped: row => {
        this.#dropped++
        this.#loseRow(row, 'QueueOverflow')
      },
    })
    this.#sender = options.senderOf(this.#handlers())
    this.#beat = setInterval(() => this.#tellGaps(), gapEveryMs)
  }

  publish(push: NumberedPush): void {
    if (this.#isClosed) return
    const lane = this.#laneOf(push.line)
    const cohort = this.#cohorts.enter()
    if (this.#mayLeave() && this.#queue.pass(lane.waiting)) {
      this.#send(push, lane, cohort)
      return
    }
    const isPressed = this.#options.type === 'nats' && !this.#sender.isReady()
    this.#queue.offer(lane.waiting, this.#rows.add(push, cohort), isPressed)
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
    const ticks = this.#loseWaiting('Withdrawn') + this.#loseUnderway(underway, 'Withdrawn')
    this.#dropped += ticks
    this.#tellGaps()
    return ticks
  }

  /** What waits or is not acknowledged is told to `onGap` as `PublisherClosed`: flush first. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#beat)
    this.#turn.end()
    this.#dropped += this.#loseWaiting('PublisherClosed')
    this.#loseUnderway(this.#sender.abandon(), 'PublisherClosed')
    for (const gap of this.#ledger.drain(this.#options.feed)) this.#options.onGap(gap)
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
    while (!this.#isClosed && this.#mayLeave() && this.#sendNext()) {}
    if (this.#flushes > 0) this.#sender.confirm()
  }

  #mayLeave(): boolean {
    return this.#turn.hasLeft && this.#sender.hasRoom()
  }

  #sendNext(): boolean {
    if (!this.#isGapOnItsWay && this.#gaps.length > 0) return this.#sendGap()
    return this.#sendTick()
  }

  #sendTick(): boolean {
    const row = this.#queue.take()
    if (row === undefined) return false
    const push = this.#rows.read(row)
    this.#send(push, this.#laneOf(push.line), this.#rows.cohortOf(row))
    this.#rows.free(row)
    return true
  }

  #send(push: NumberedPush, lane: Lane, cohort: Cohort): void {
    const { epoch, sequence, receivedAt, line } = push
    const publishedAt = wallClock()
    const payload = this.#writer.payload(push, lane.texts, publishedAt)
    const header = this.#writer.header(push, lane.texts)
    const queued = { lane, instrument: line.instrument, epoch, sequence, receivedAt, publishedAt, cohort }
    this.#turn.spend()
    this.#sender.send({ subject: lane.subject, header, payload, queued })
  }

  #laneOf(line: TickLine): Lane {
    line.lane ??= this.#lanes.add(subjectOf(this.#options.subjectPrefix, line.exchange, line.instrument), this.#queue.newLane())
    return line.lane
  }

  #sendGap(): boolean {
    const gap = this.#gaps.shift()
    if (gap === undefined) return false
    this.#isGapOnItsWay = true
    const { feed, subjectPrefix } = this.#options
    const subject = gapSubjectOf(subjectPrefix, feed)
    this.#turn.spend()
    this.#sender.send({ subject, header: headerOf(gapIdOf(gap)), payload: encodeGap(gap), gap })
    return true
  }

  #delivered(parcel: Parcel, at: number): void {
    this.#release(parcel)
    if (parcel.queued === undefined) return
    this.#published++
    this.#latency.add(at - parcel.queued.receivedAt, at)
  }

  #release({ queued }: Parcel): void {
    if (queued === undefined) this.#isGapOnItsWay = false
    else this.#queue.release(queued.lane.waiting)
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
    this.#ledger.add(reason, queued)
    this.#cohorts.leave(queued.cohort)
  }

  #loseRow(row: number, reason: LossReason): void {
    this.#ledger.add(reason, this.#rows.lossOf(row))
    this.#cohorts.leave(this.#rows.cohortOf(row))
    this.#rows.free(row)
  }

  /** Answers how many ticks that were, as does the next. */
  #loseWaiting(reason: LossReason): number {
    const rows = this.#queue.drain()
    for (const row of rows) this.#loseRow(row, reason)
    return rows.length
  }

  #loseUnderway(parcels: Parcel[], reason: LossReason): number {
    const ticks = parcels.flatMap(({ queued }) => queued ?? [])
    for (const queued of ticks) this.#lose(queued, reason)
    return ticks.length
  }

  #tellGaps(): void {
    for (const gap of this.#ledger.drain(this.#options.feed)) {
      this.#options.onGap(gap)
      this.publishGap(gap)
    }
  }
}
