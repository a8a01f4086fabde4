import type { Live } from '../../crds/contract/desired.ts'
import type { FrontError, SendResult } from '../gateways/gateway.ts'
import type { Line } from './line.ts'

/** An instrument whose acknowledgement does not come within this time is asked for again. */
export const acknowledgementMs = 10_000

/** Requests for one instrument on one connection before it is given up and reported; flow control is not counted. */
export const maxAttempts = 5

/** -2 and -3 are tried again after this pause, as hft.js does. */
const flowControlPauseMs = 100

/** CTP's error for an instrument that the front does not know. */
export const instrumentNotFound = 16

export type SubscriptionsOptions = {
  subscribe: (instruments: string[]) => SendResult
  unsubscribe: (instruments: string[]) => SendResult
  /** Called when every wanted line has been answered. */
  settled: () => void
  rateLimits: Live['rateLimits']
}

export type SubscriptionCounts = { desired: number; acknowledged: number; rejected: number }

/**
 * Brings the front's subscriptions to the wanted lines, at the front's pace: batches, so many requests a second, so many
 * instruments unacknowledged. Level-triggered: whatever is queued on a connection is sent, whatever is lost is queued again.
 */
export class Subscriptions {
  readonly counters = { rateLimitHits: 0, errors: 0 }
  readonly #options: SubscriptionsOptions
  readonly #wanted = new Map<string, Line>()
  readonly #queue: Line[] = []
  readonly #leaving: string[] = []
  readonly #sent = new Set<Line>()
  /** Acknowledged, and asked for again: the front has not said that it ends. */
  readonly #renewing = new Set<Line>()
  #acknowledged = 0
  #rejected = 0
  #rateLimits: Live['rateLimits']
  #isConnected = false
  #timer: NodeJS.Timeout | undefined
  #isWaitingForRoom = false
  #sentAt = Number.NEGATIVE_INFINITY
  #left: () => void = () => undefined

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    this.#rateLimits = options.rateLimits
  }

  set rateLimits(rateLimits: Live['rateLimits']) {
    this.#rateLimits = rateLimits
  }

  counts(): SubscriptionCounts {
    const acknowledged = this.#acknowledged + this.#renewing.size
    return { desired: this.#wanted.size, acknowledged, rejected: this.#rejected }
  }

  /** Acknowledged instruments of which a fresh tick came on this connection. Goes through all lines: under 1 ms of 20,000. */
  ticking(): number {
    let count = 0
    for (const line of this.#wanted.values()) if (line.freshAt > 0 && line.state === 'acknowledged') count++
    return count
  }

  get isSettled(): boolean {
    return this.#acknowledged + this.#rejected === this.#wanted.size
  }

  /** The wanted lines, in the order of the desired state. */
  lines(): Iterable<Line> {
    return this.#wanted.values()
  }

  rejections(limit: number): { instrument: string; reason: string }[] {
    const rejected = this.#wanted.values().filter(line => line.state === 'rejected')
    return [...rejected.take(limit).map(line => ({ instrument: line.instrument, reason: line.reason }))]
  }

  /** Takes the wanted lines over as a difference: what stays is not asked for again; what was rejected is. */
  want(lines: Set<Line>): void {
    for (const line of this.#wanted.values()) if (!lines.has(line)) this.#leave(line)
    for (const line of lines) this.#enter(line)
    this.#pump()
  }

  /** Asks again for lines that were refused, or acknowledged without a tick; others are left alone. */
  renew(lines: Line[]): void {
    if (!this.#isConnected) return
    for (const line of lines) if (this.#wanted.get(line.instrument) === line) this.#renewOne(line)
    this.#pump()
  }

  /** Logged in: every wanted line is asked for, as nothing survives a connection. */
  connected(): void {
    this.#isConnected = true
    this.#forget()
    for (const line of this.#wanted.values()) this.#enqueue(line)
    if (this.#wanted.size === 0) this.#options.settled()
    this.#pump()
  }

  disconnected(): void {
    this.#isConnected = false
    this.#forget()
  }

  /** The front's answer for one instrument. */
  answered(instrument: string, error: FrontError | undefined): void {
    const line = this.#wanted.get(instrument)
    if (line === undefined || !this.#sent.delete(line)) return
    if (error === undefined) this.#acknowledge(line)
    else this.#refuse(line, error)
    if (this.isSettled) this.#options.settled()
    else this.#useRoom()
  }

  /** Ends all pushes, at the front's pace: until all was asked for, or the signal ends. What is left ends with the connection. */
  async leave(signal: AbortSignal): Promise<void> {
    this.want(new Set())
    if (this.#leaving.length === 0 || signal.aborted) return
    await new Promise<void>(resolve => {
      this.#left = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  close(): void {
    this.disconnected()
  }

  #enter(line: Line): void {
    line.wanted = true
    if (!this.#wanted.has(line.instrument)) {
      this.#wanted.set(line.instrument, line)
      if (this.#isConnected) this.#enqueue(line)
    } else if (line.state === 'rejected' && this.#isConnected) {
      this.#rejected--
      line.attempts = 0
      this.#enqueue(line)
    }
  }

  #renewOne(line: Line): void {
    if (line.state === 'rejected') this.#rejected--
    else if (line.state === 'acknowledged') {
      this.#acknowledged--
      this.#renewing.add(line)
    } else return
    line.attempts = 0
    this.#enqueue(line)
  }

  #leave(line: Line): void {
    this.#wanted.delete(line.instrument)
    this.#sent.delete(line)
    if (line.state === 'acknowledged') this.#acknowledged--
    if (line.state === 'rejected') this.#rejected--
    const isAsked = this.#renewing.delete(line) || line.state !== 'queued'
    if (this.#isConnected && isAsked) this.#leaving.push(line.instrument)
    line.wanted = false
    line.state = 'none'
    line.seen = false
  }

  #enqueue(line: Line): void {
    line.state = 'queued'
    line.seen = false
    line.freshAt = 0
    this.#queue.push(line)
  }

  #acknowledge(line: Line): void {
    line.state = 'acknowledged'
    line.attempts = 0
    line.acknowledgedAt = Date.now()
    this.#renewing.delete(line)
    this.#acknowledged++
  }

  #refuse(line: Line, error: FrontError): void {
    if (error.ErrorID === -2 || error.ErrorID === -3) {
      this.#slowDown(line)
      return
    }
    this.counters.errors++
    if (error.ErrorID !== instrumentNotFound && line.attempts < maxAttempts) {
      this.#enqueue(line)
      return
    }
    this.#reject(line, `${error.ErrorID}: ${error.ErrorMsg}`, error.ErrorID)
  }

  #slowDown(line: Line): void {
    this.counters.rateLimitHits++
    line.attempts--
    this.#sentAt = Math.max(this.#sentAt, performance.now() + flowControlPauseMs)
    this.#enqueue(line)
  }

  #reject(line: Line, reason: string, errorId: number): void {
    line.state = 'rejected'
    line.reason = reason
    line.errorId = errorId
    this.#renewing.delete(line)
    this.#rejected++
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#queue.length = 0
    this.#leaving.length = 0
    this.#left()
    this.#sent.clear()
    this.#renewing.clear()
    this.#acknowledged = 0
    this.#rejected = 0
    for (const line of this.#wanted.values()) {
      line.state = 'none'
      line.attempts = 0
      line.seen = false
      line.freshAt = 0
    }
  }

  #pump(): void {
    if (!this.#isConnected || this.#timer !== undefined) return
    if (this.#queue.length === 0 && this.#leaving.length === 0 && this.#sent.size === 0) return
    const intervalMs = 1000 / this.#rateLimits.subscribeRequestsPerSecond
    this.#wait(Math.max(0, this.#sentAt + intervalMs - performance.now()))
  }

  // Answers have made room for a batch before the next look at what is late.
  #useRoom(): void {
    if (this.#timer === undefined) {
      this.#pump()
      return
    }
    const batch = Math.min(this.#rateLimits.subscribeBatch, this.#queue.length)
    if (!this.#isWaitingForRoom || batch === 0 || this.#roomLeft() < batch) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pump()
  }

  #wait(ms: number, isForRoom = false): void {
    this.#isWaitingForRoom = isForRoom
    this.#timer = setTimeout(() => this.#turn(), ms)
  }

  #turn(): void {
    this.#timer = undefined
    const wasSettled = this.isSettled
    this.#repeatLate(performance.now())
    const result = this.#leaving.length > 0 ? this.#sendLeaving() : this.#sendQueued()
    if (result === -1 || !this.#isConnected) return
    if (!wasSettled && this.isSettled) this.#options.settled()
    if (result === -2 || result === -3) {
      this.counters.rateLimitHits++
      this.#wait(flowControlPauseMs)
      return
    }
    if (result === 0) this.#sentAt = performance.now()
    if (this.#leaving.length > 0 || (this.#roomLeft() > 0 && this.#queue.length > 0)) this.#pump()
    else if (this.#sent.size > 0) this.#wait(acknowledgementMs / 10, true)
  }

  #sendLeaving(): SendResult {
    const batch = this.#leaving.slice(0, this.#rateLimits.subscribeBatch)
    const result = this.#options.unsubscribe(batch)
    if (result === 0) this.#leaving.splice(0, batch.length)
    if (this.#leaving.length === 0) this.#left()
    return result
  }

  // `undefined`: nothing to send, or no room for it.
  #sendQueued(): SendResult | undefined {
    const batch = this.#takeBatch()
    if (batch.length === 0) return undefined
    const result = this.#options.subscribe(batch.map(line => line.instrument))
    if (result !== 0) {
      this.#queue.unshift(...batch)
      return result
    }
    for (const line of batch) this.#markSent(line)
    return 0
  }

  #takeBatch(): Line[] {
    const batch: Line[] = []
    const size = Math.min(this.#rateLimits.subscribeBatch, this.#roomLeft())
    while (batch.length < size) {
      const line = this.#queue.shift()
      if (line === undefined) break
      if (line.state === 'queued') batch.push(line)
    }
    return batch
  }

  #markSent(line: Line): void {
    line.state = 'sent'
    line.attempts++
    line.sentAt = performance.now()
    this.#sent.add(line)
  }

  #repeatLate(now: number): void {
    for (const line of this.#sent) {
      if (now - line.sentAt < acknowledgementMs) break
      this.#sent.delete(line)
      if (line.attempts < maxAttempts) this.#enqueue(line)
      else this.#reject(line, `no acknowledgement after ${maxAttempts} requests`, 0)
    }
  }

  #roomLeft(): number {
    return this.#rateLimits.maxUnacknowledged - this.#sent.size
  }
}
