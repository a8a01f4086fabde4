import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import type { Calendar } from '../calendar/calendar.ts'
import type { Depth } from '../gateways/depth.ts'
import type { AccountSecrets, FrontError, Gateway } from '../gateways/gateway.ts'
import type { Publisher, PublisherStatus } from '../publish/publisher.ts'
import { wallClock } from '../wallclock.ts'
import { Book } from './book.ts'
import { Connection, type ConnectionState } from './connection.ts'
import { Delivery } from './delivery.ts'
import { gapRecord } from './gaprecord.ts'
import { Gate, type Missed } from './gate.ts'
import { type Line, linesOf } from './line.ts'
import type { FromSession, SessionEvent, SessionReport, SessionStart, ToSession } from './message.ts'
import type { Position } from './position.ts'
import { reportOf } from './report.ts'
import type { RunOutcome } from './resubscription.ts'
import { Subscriptions } from './subscriptions.ts'
import { Tap } from './tap.ts'
import { type TickGroup, tickGroupsOf } from './tickgroup.ts'

const reportMs = 1000
/** Also how late the watchdog may learn of a tick. */
const pulseMs = 100
/** A checkpoint of 20,000 lines is 1 MB and costs some 5 ms on either side. */
const checkpointMs = 2000
const flushMs = 2000

/** At 500 instruments a request and 20 requests a second, 10,000 of them. */
const leaveMs = 1000
/** Under the supervisor's deadline for closing a gate. A bus that is known to be away is not waited for. */
const closeFlushMs = 1500

export type SessionOptions = {
  start: SessionStart
  readSecrets: () => Promise<AccountSecrets>
  gatewayOf: (secrets: AccountSecrets, turn: number) => Gateway
  publisher: Publisher
  calendar: Calendar
  /** To the supervisor; `done` when the message has left. */
  send: (message: FromSession, done?: () => void) => void
}

/** One account: its connection, its subscriptions, its gate, and what the supervisor is told of them. */
export class Session {
  readonly #options: SessionOptions
  readonly #lines = new Map<string, Line>()
  readonly #connection: Connection
  readonly #subscriptions: Subscriptions
  readonly #book: Book
  readonly #gate: Gate
  readonly #tap: Tap
  readonly #counters = { snapshots: 0, unknown: 0, gaps: 0, frontErrors: 0 }
  readonly #startedAt = performance.now()
  #rateLimits: SessionStart['rateLimits']
  #groups: TickGroup[] = []
  #received = 0
  #lastTickAt = 0
  #tradingDay = ''
  #startupMs = 0
  /** Why the gate was opened. */
  #openReason = ''
  #isOnBus = false
  #checkpointed = 0
  readonly #delivery: Delivery
  #timers: NodeJS.Timeout[] = []

  constructor(options: SessionOptions) {
    const { start, calendar, publisher, send } = options
    this.#options = options
    this.#rateLimits = start.rateLimits
    this.#delivery = new Delivery(publisher, Date.now())
    this.#tap = new Tap(start, (ticks, dropped, done) => send({ type: 'ticks', ticks, dropped }, done))
    this.#gate = new Gate({
      lines: this.#lines,
      calendar,
      publish: push => {
        publisher.publish(push)
        this.#tap.copy(push)
      },
    })
    this.#connection = this.#newConnection()
    this.#subscriptions = new Subscriptions({
      subscribe: instruments => this.#connection.subscribe(instruments),
      unsubscribe: instruments => this.#connection.unsubscribe(instruments),
      settled: () => this.#settled(),
      rateLimits: start.rateLimits,
    })
    this.#book = new Book({
      subscriptions: this.#subscriptions,
      calendar,
      rateLimits: () => this.#rateLimits,
      unsee: line => {
        line.seen = false
      },
      done: outcome => this.#sayResubscribed(outcome),
    })
  }

  start(): void {
    this.#want(this.#options.start.instrumentGroups)
    this.#timers = [
      setInterval(() => this.#pulse(), pulseMs),
      setInterval(() => this.#report(), reportMs),
      setInterval(() => this.#checkpoint(), checkpointMs),
    ]
    void this.#connection.start()
  }

  /** Does what the supervisor says. */
  receive(message: Exclude<ToSession, { type: 'start' | 'stop' }>): void {
    switch (message.type) {
      case 'instruments':
        this.#want(message.instrumentGroups)
        break
      case 'rateLimits':
        this.#rateLimits = message.rateLimits
        this.#subscriptions.rateLimits = message.rateLimits
        return
      case 'open':
        void this.#open(message)
        break
      case 'close':
        void this.#close(message)
        break
      case 'tap':
        this.#tap.select(message.instruments)
        break
      case 'list':
        this.#options.send({ type: 'listed', id: message.id, listing: this.#book.list(message.question) })
        return
      case 'renew':
        this.#options.send({ type: 'renewed', id: message.id, asked: this.#book.renew(message.request) })
        return
      case 'reconnect':
        return void this.#connection.reconnect()
      case 'retry':
        return void this.#connection.retry()
    }
  }

  /** Unsubscribes and leaves the front, and waits until what was published is with the bus, for at most two seconds. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#book.stop()
    await this.#subscriptions.leave(AbortSignal.timeout(leaveMs))
    this.#subscriptions.close()
    await this.#connection.close()
    await this.#options.publisher.flush(AbortSignal.timeout(flushMs)).catch(() => undefined)
    await this.#options.publisher.close()
  }

  #newConnection(): Connection {
    return new Connection({
      readSecrets: this.#options.readSecrets,
      gatewayOf: this.#options.gatewayOf,
      loginsPerSecond: () => this.#rateLimits.loginsPerSecond,
      handlers: {
        subscribed: (instrument, error) => this.#subscriptions.answered(instrument, error),
        unsubscribed: () => undefined,
        depth: (depth, receivedAt) => this.#depth(depth, receivedAt),
        failed: error => this.#failed(error),
        restarted: round => this.#restarted(round),
      },
      loggedIn: tradingDay => this.#loggedIn(tradingDay),
      lost: reason => this.#lost(reason),
      changed: state => this.#changed(state),
    })
  }

  #depth(depth: Depth, receivedAt: number): void {
    this.#received++
    const line = this.#lines.get(depth.InstrumentID)
    if (line === undefined || !line.wanted) {
      this.#counters.unknown++
      return
    }
    const snapshot = !line.seen
    if (snapshot) {
      line.seen = true
      this.#counters.snapshots++
    }
    const isNew = this.#gate.observe(line, depth, receivedAt, snapshot)
    if (isNew && !snapshot) this.#ticked(line, receivedAt)
  }

  #ticked(line: Line, receivedAt: number): void {
    line.freshAt = receivedAt
    if (this.#lastTickAt === 0) setImmediate(() => this.#report())
    this.#lastTickAt = receivedAt
    line.group.lastTickAt = receivedAt
  }

  #want(groups: InstrumentGroup[]): void {
    const tickGroups = tickGroupsOf(groups, this.#groups)
    const wanted = linesOf(groups, this.#lines, tickGroups)
    this.#groups = [...new Set(tickGroups)]
    this.#connection.unsettled()
    this.#subscriptions.want(wanted)
    if (this.#subscriptions.isSettled) this.#settled()
  }

  #sayResubscribed(outcome: RunOutcome): void {
    this.#event({ type: 'Normal', reason: 'Resubscribed', message: 'instruments were asked for again', fields: outcome })
  }

  #loggedIn(tradingDay: string): void {
    this.#tradingDay = tradingDay
    this.#gate.tradingDay = tradingDay
    this.#subscriptions.connected()
  }

  // Every instrument of a recording is pushed as a snapshot when a round begins. Its pushes carry the day that they were booked under, and the
  // login's may be another instrument's.
  #restarted(round: number): void {
    this.#gate.tradingDay = ''
    this.#gate.round = round
    for (const line of this.#lines.values()) {
      line.seen = false
      line.lostAt = 0
    }
  }

  #lost(reason: number): void {
    this.#book.stop()
    const since = this.#lastTickAt || Date.now()
    for (const line of this.#lines.values()) if (line.seen) line.lostAt = since
    this.#subscriptions.disconnected()
    if (this.#gate.isOpen) this.#gate.anchor(since)
    if (reason !== 0) {
      const fields = { reason: `0x${reason.toString(16)}` }
      this.#event({ type: 'Warning', reason: 'FrontDisconnected', message: 'the front cut the connection', fields })
    }
  }

  #settled(): void {
    if (this.#connection.state.state !== 'subscribing') return
    if (this.#startupMs === 0) this.#startupMs = performance.now() - this.#startedAt
    this.#connection.settled()
  }

  #failed(error: FrontError): void {
    this.#counters.frontErrors++
    const fields = { errorId: error.ErrorID }
    this.#event({ type: 'Warning', reason: 'FrontError', message: `the front reports ${error.ErrorMsg}`, fields })
  }

  #changed({ state, reason, message, errorId }: ConnectionState): void {
    this.#report()
    if (reason === undefined || message === undefined) return
    if (state !== 'failed' && state !== 'waiting' && reason !== 'FrontUnreachable') return
    const fields = { state, ...(errorId === undefined ? {} : { errorId }) }
    this.#event({ type: 'Warning', reason, message, fields })
  }

  // An open gate that is to publish under another epoch is closed first: what is queued under the old one must not come after the first of the new one.
  async #open({ id, epoch, position: given, reason }: Extract<ToSession, { type: 'open' }>): Promise<void> {
    const isOtherEpoch = this.#gate.isOpen && this.#gate.epoch !== epoch
    const position = isOtherEpoch ? await this.#shut(false) : given
    // Told after `opened`, although it may be published before.
    const first = () => void setImmediate(() => this.#options.send({ type: 'first', epoch, at: Date.now() }))
    const wasOpen = this.#gate.isOpen
    const { released, overrun, from } = this.#gate.open(epoch, position, first)
    this.#options.send({ type: 'opened', id, released, overrunCount: overrun.length })
    if (wasOpen) return
    this.#openReason = position.exact ? reason : 'PositionLost'
    this.#gap(this.#openReason, { instruments: position.exact ? overrun : this.#wantedInstruments(), from })
    this.#report()
  }

  #wantedInstruments(): string[] {
    return [...this.#lines.values()].filter(line => line.wanted).map(line => line.instrument)
  }

  // The other account publishes on a connection of its own: what this one has sent must be there first, or consumers would take it
  // for a deposed publisher's.
  async #close({ id, isDeposed }: Extract<ToSession, { type: 'close' }>): Promise<void> {
    const position = await this.#shut(isDeposed)
    this.#options.send({ type: 'closed', id, position })
    this.#report()
  }

  async #shut(isDeposed: boolean): Promise<Position> {
    const position = this.#gate.close(Date.now())
    for (const line of this.#lines.values()) if (line.seen) line.lostAt = 0
    const { publisher } = this.#options
    const waitMs = publisher.status().connected && !isDeposed ? closeFlushMs : 0
    await publisher.flush(AbortSignal.timeout(waitMs))
    const withdrawn = publisher.withdraw()
    if (withdrawn > 0) this.#sayWithdrawn(withdrawn)
    this.#tap.flush()
    return position
  }

  #sayWithdrawn(ticks: number): void {
    const message = 'the bus did not take all ticks before the gate moved'
    this.#event({ type: 'Warning', reason: 'OutboxLeft', message, fields: { ticks } })
  }

  #gap(reason: string, { instruments, from }: Missed): void {
    if (instruments.length === 0) return
    const { feed } = this.#options.start
    const gap = gapRecord({ feed, epoch: this.#gate.epoch, from, reason }, instruments)
    this.#counters.gaps++
    this.#options.publisher.publishGap(gap)
    this.#options.send({ type: 'gap', gap })
  }

  #event(event: SessionEvent): void {
    this.#options.send({ type: 'event', event })
  }

  #pulse(): void {
    const ticks = this.#groups.map(({ name, lastTickAt }): [string, number] => [name, lastTickAt])
    this.#options.send({ type: 'pulse', pulse: { at: wallClock(), ticks } })
  }

  #checkpoint(): void {
    this.#delivery.mark(Date.now())
    if (!this.#gate.isOpen || this.#gate.counters.published === this.#checkpointed) return
    this.#checkpointed = this.#gate.counters.published
    this.#options.send({ type: 'checkpoint', position: this.#gate.checkpoint(this.#delivery.until) })
  }

  #report(): void {
    const { lost, takenOver } = this.#gate.takeUnmatched()
    this.#gap('Reconnect', lost)
    this.#gap(this.#openReason, takenOver)
    const report = this.#reportNow()
    this.#sayBus(report.publisher)
    this.#options.send({ type: 'report', report })
  }

  #sayBus({ type, connected, message }: PublisherStatus): void {
    if (type === 'none' || connected === this.#isOnBus) return
    this.#isOnBus = connected
    const text = message === undefined ? {} : { fields: { detail: message } }
    if (connected) this.#event({ type: 'Normal', reason: 'BusConnected', message: 'the bus is connected', ...text })
    else this.#event({ type: 'Warning', reason: 'BusUnreachable', message: 'the bus is away', ...text })
  }

  #reportNow(): SessionReport {
    const { start, publisher } = this.#options
    return reportOf({
      account: start.account,
      publisher: publisher.status(),
      connection: this.#connection,
      subscriptions: this.#subscriptions,
      gate: this.#gate,
      counters: this.#counters,
      received: this.#received,
      lastTickAt: this.#lastTickAt,
      tradingDay: this.#tradingDay,
      startupMs: this.#startupMs,
    })
  }
}
