import type { Socket } from 'node:net'
import { badPacket, controlFrame, FrameReader, heartbeatFrame, isBadPacket } from '../gateways/frame.ts'
import type { FrontError } from '../gateways/gateway.ts'
import { type Answer, disconnectReasons, frontErrors, type Request, requestSchema } from '../gateways/message.ts'
import { tickBytes } from '../gateways/tickrecord.ts'
import type { Disturbance } from './disturbance.ts'
import type { Batch, Market } from './market.ts'
import { maxUnsentPackets, Outbox } from './outbox.ts'

/** Instruments answered a turn of the front (5 ms): 20,000 a second. */
const acknowledgementsPerTurn = 100

/** How long a session that is told goodbye may take to read it. */
const goodbyeMs = 2000

export type SessionEvents = {
  login(session: FrontSession, request: Extract<Request, { op: 'login' }>): void
  /** Whether the session may send one more request now. */
  admits(session: FrontSession): boolean
  /** Earliest moment at which a request that came now is answered. */
  answerFrom(session: FrontSession): number
  /** Whether the acknowledgement of this instrument is lost on its way. */
  losesAcknowledgement(session: FrontSession, number: number): boolean
  /** 1 for each instrument whose stale state the session does not get. */
  hushed(session: FrontSession): Uint8Array | undefined
  subscriptions(number: number, change: 1 | -1): void
  cut(session: FrontSession, reason: number): void
  closed(session: FrontSession): void
}

type Pending = { op: 'subscribe' | 'unsubscribe'; instruments: string[]; next: number; from: number }

/** One connection of a gateway: its login, its subscriptions, and what it is still owed. */
export class FrontSession {
  readonly id: number
  readonly port: number
  readonly since = Date.now()
  readonly outbox: Outbox
  user: string | undefined
  lastLoginAt = 0
  /** When a session that just logged in is to be cut, by a fault; monotonic ms. */
  cutAt = Number.POSITIVE_INFINITY
  sentTicks = 0
  /** Bends this session's pushes alone; there once a fault has asked for it. */
  disturbance: Disturbance | undefined
  #isFrozen = false
  readonly #socket: Socket
  readonly #market: Market
  readonly #events: SessionEvents
  readonly #subscribed: Uint8Array
  #announced: number | undefined
  #subscriptions = 0
  #pending: Pending[] = []
  #owed = 0

  constructor(id: number, socket: Socket, market: Market, events: SessionEvents) {
    this.id = id
    this.port = socket.localPort ?? 0
    this.outbox = new Outbox(socket)
    this.#socket = socket
    this.#market = market
    this.#events = events
    this.#subscribed = new Uint8Array(market.count)
    this.#listen()
  }

  get subscriptions(): number {
    return this.#subscriptions
  }

  /** Instruments requested and not answered yet. */
  get pendingAcknowledgements(): number {
    return this.#owed
  }

  answer(answer: Answer, packets = 1): void {
    this.outbox.send(controlFrame(answer), packets)
    this.#checkBound()
  }

  welcome(requestsPerSecond: number): void {
    this.#announced = requestsPerSecond
    this.answer({ op: 'welcome', requestsPerSecond })
  }

  /** Tells the gateway its rate of requests where that has changed. */
  announce(requestsPerSecond: number): void {
    if (this.#announced === undefined || this.#announced === requestsPerSecond) return
    this.#announced = requestsPerSecond
    this.answer({ op: 'limit', requestsPerSecond })
  }

  heartbeat(): void {
    this.outbox.send(heartbeatFrame(), 1)
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  /** Neither reads nor writes any more, and tells nobody: the far end sees an open connection. */
  freeze(): void {
    if (this.#isFrozen) return
    this.#isFrozen = true
    this.outbox.shut()
    this.#socket.pause()
  }

  /** Ends a frozen session as a front does that has forgotten it. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Pushes those of a batch that the session is subscribed to and that no mask keeps back. */
  push({ bytes, numbers }: Batch, mask: Uint8Array | undefined): void {
    if (this.#subscriptions === 0 || this.#isFrozen) return
    const parts: Buffer[] = []
    let ticks = 0
    let start = -1
    for (let place = 0; place <= numbers.length; place++) {
      const number = numbers[place] ?? 0
      const wanted = place < numbers.length && this.#subscribed[number] === 1 && mask?.[number] !== 1
      if (wanted && start < 0) start = place
      if (wanted || start < 0) continue
      parts.push(bytes.subarray(start * tickBytes, place * tickBytes))
      ticks += place - start
      start = -1
    }
    if (ticks === 0) return
    const [only] = parts
    this.outbox.send(parts.length === 1 && only ? only : Buffer.concat(parts), ticks)
    this.sentTicks += ticks
    this.#checkBound()
  }

  /** Answers what is due of the pending requests; a subscription's answer comes with the instrument's stale state. */
  acknowledge(now: number): void {
    if (this.#isFrozen) return
    this.outbox.refill(now)
    if (this.cutAt <= now) {
      this.cut()
      return
    }
    let left = acknowledgementsPerTurn
    while (left > 0) {
      const [first] = this.#pending
      if (first === undefined || first.from > now || this.#socket.destroyed) return
      const instruments = first.instruments.slice(first.next, first.next + left)
      first.next += instruments.length
      if (first.next >= first.instruments.length) this.#pending.shift()
      this.#owed -= instruments.length
      left -= Math.max(1, instruments.length)
      if (first.op === 'subscribe') this.#subscribe(instruments)
      else this.#unsubscribe(instruments)
    }
  }

  /** Ends the session; with a reason, the gateway is told it first. */
  cut(reason?: number): void {
    this.#pending = []
    this.#owed = 0
    this.#forget()
    if (reason === undefined) {
      this.#socket.destroy()
      return
    }
    this.outbox.clear()
    this.#socket.end(controlFrame({ op: 'goodbye', reason } satisfies Answer))
    this.#socket.setTimeout(goodbyeMs, () => this.#socket.destroy())
  }

  #listen(): void {
    const reader = new FrameReader(tickBytes, { control: message => this.#request(message), tick: () => {} })
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true, 10_000)
    this.#socket.on('data', (chunk: Buffer) => {
      if (!this.#socket.writable) return
      try {
        reader.push(chunk)
      } catch (error) {
        if (!isBadPacket(error)) throw error
        this.#events.cut(this, disconnectReasons.badPacket)
      }
    })
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.on('close', () => {
      this.#forget()
      this.#events.closed(this)
    })
  }

  #request(message: unknown): void {
    const { data: request, error } = requestSchema.safeParse(message)
    if (request === undefined) throw badPacket('a request is none that a front knows', error)
    if (request.op === 'login') {
      this.#events.login(this, request)
      return
    }
    if (this.user === undefined) this.#refuse(request, frontErrors.notLoggedIn)
    else if (!this.#events.admits(this)) this.answer({ op: 'error', error: frontErrors.tooFast })
    else this.#accept(request)
  }

  /** Every instrument owes an answer and, when subscribed, a push: N subscriptions are 2N packets to the front's bound. */
  #accept(request: Exclude<Request, { op: 'login' }>): void {
    this.#pending.push({ op: request.op, instruments: request.instruments, next: 0, from: this.#events.answerFrom(this) })
    this.#owed += request.instruments.length
    this.#checkBound()
  }

  #subscribe(instruments: string[]): void {
    const unknown = instruments.filter(instrument => this.#market.numberOf(instrument) === undefined)
    if (unknown.length > 0) this.#refuse({ op: 'subscribe', instruments: unknown }, frontErrors.instrumentNotFound)
    const [acknowledged, lost] = [[], []] as [[string, number][], [string, number][]]
    for (const instrument of instruments) {
      const number = this.#market.numberOf(instrument)
      if (number === undefined) continue
      ;(this.#events.losesAcknowledgement(this, number) ? lost : acknowledged).push([instrument, number])
      this.#mark(number, 1)
    }
    if (lost.length > 0) this.answer({ op: 'named', instruments: lost })
    if (acknowledged.length > 0) this.answer({ op: 'subscribed', instruments: acknowledged }, acknowledged.length)
    this.#pushStates([...acknowledged, ...lost].map(([, number]) => number))
  }

  #pushStates(numbers: number[]): void {
    const hushed = this.#events.hushed(this)
    const audible = Int32Array.from(hushed === undefined ? numbers : numbers.filter(number => hushed[number] !== 1))
    if (audible.length > 0) this.outbox.send(this.#market.batch(audible).bytes, audible.length)
    this.#checkBound()
  }

  #unsubscribe(instruments: string[]): void {
    const [known, unknown] = [[], []] as [string[], string[]]
    for (const instrument of instruments) {
      const number = this.#market.numberOf(instrument)
      ;(number === undefined ? unknown : known).push(instrument)
      if (number !== undefined) this.#mark(number, 0)
    }
    if (known.length > 0) this.answer({ op: 'unsubscribed', instruments: known }, known.length)
    if (unknown.length > 0) this.#refuse({ op: 'unsubscribe', instruments: unknown }, frontErrors.instrumentNotFound)
  }

  #refuse(request: Exclude<Request, { op: 'login' }>, error: FrontError): void {
    this.answer({ op: 'refused', request: request.op, instruments: request.instruments, error }, request.instruments.length)
  }

  #mark(number: number, value: 0 | 1): void {
    if (this.#subscribed[number] === value) return
    this.#subscribed[number] = value
    this.#subscriptions += value === 1 ? 1 : -1
    this.#events.subscriptions(number, value === 1 ? 1 : -1)
  }

  #forget(): void {
    for (let number = 0; this.#subscriptions > 0 && number < this.#subscribed.length; number++) this.#mark(number, 0)
  }

  #checkBound(): void {
    if (this.outbox.packets + 2 * this.#owed > maxUnsentPackets && this.#socket.writable) {
      this.#events.cut(this, disconnectReasons.heartbeatTimeout)
    }
  }
}
