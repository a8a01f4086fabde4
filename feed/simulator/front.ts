import { createServer, type Server, type Socket } from 'node:net'
import type { FrontError } from '../gateways/gateway.ts'
import { frontErrors, type Request } from '../gateways/message.ts'
import type { Accounts } from './accounts.ts'
import { Disturbance } from './disturbance.ts'
import type { Faults } from './faults.ts'
import type { Batch, Market } from './market.ts'
import { FrontSession, type SessionEvents } from './session.ts'

/** A login earlier than this after the session's last one is refused (CTP: one a second and session). */
const loginIntervalMs = 1000

/** Sessions that the front takes at a time; more are closed at once, as with CTP's cap. */
const maxSessions = 64

export type FrontCounters = {
  connections: number
  logins: number
  loginFailures: number
  requestsRefused: number
  /** Sessions ended for their backlog or for bytes that were no frame. */
  cuts: number
}

export type FrontParts = {
  market: Market
  accounts: Accounts
  faults: Faults
  requestsPerSecond: number
  /** YYYYMMDD as a number, for answers to logins. */
  tradingDay: () => number
}

/** The sessions of all ports, their logins and their limits. Ticks come from the pacer through `push`. */
export class Front {
  readonly sessions = new Set<FrontSession>()
  readonly faults: Faults
  readonly counters: FrontCounters = { connections: 0, logins: 0, loginFailures: 0, requestsRefused: 0, cuts: 0 }
  /** Subscribers of each instrument, over all sessions. */
  readonly subscribers: Uint16Array
  readonly #market: Market
  readonly #accounts: Accounts
  readonly #requestsPerSecond: number
  readonly #requests = new WeakMap<FrontSession, { second: number; count: number }>()
  readonly #tradingDay: () => number
  readonly #disturbance: Disturbance
  readonly #servers: Server[] = []
  #lastId = 0

  constructor({ market, accounts, faults, requestsPerSecond, tradingDay }: FrontParts) {
    this.subscribers = new Uint16Array(market.count)
    this.faults = faults
    this.#market = market
    this.#accounts = accounts
    this.#requestsPerSecond = requestsPerSecond
    this.#tradingDay = tradingDay
    this.#disturbance = new Disturbance(market, 1)
  }

  /** Listens on one more port (0: any free one) and returns it. */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer(socket => this.#connected(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    this.#servers.push(server)
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  /** To every session that is subscribed, or to those of one user. */
  push(batch: Batch, user?: string): void {
    const shared = this.#disturbance.bend(batch, this.faults, undefined)
    for (const session of this.sessions) {
      if (user !== undefined && session.user !== user) continue
      session.push(this.#bend(session, shared), this.faults.mask(session.user))
    }
  }

  acknowledge(now: number): void {
    for (const session of this.sessions) session.acknowledge(now)
  }

  heartbeat(): void {
    for (const session of this.sessions) session.heartbeat()
  }

  /** Above this gateways answer -3; 0 while flow control is on for the user. */
  requestsPerSecond(user?: string): number {
    return this.faults.of('flowControl', user) === undefined ? this.#requestsPerSecond : 0
  }

  /** Brings the sessions to the faults in force. */
  applyFaults(now: number): void {
    for (const session of this.sessions) {
      const halfOpen = this.faults.of('halfOpen', session.user) !== undefined
      if (session.isFrozen && !halfOpen) session.reset()
      if (halfOpen) session.freeze()
      session.outbox.limit(this.faults.of('slowReader', session.user)?.packetsPerSecond, now)
      session.announce(this.requestsPerSecond(session.user))
    }
  }

  cut(user?: string): void {
    for (const session of this.sessions) if (user === undefined || session.user === user) session.cut()
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.reset()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  #connected(socket: Socket): void {
    if (this.sessions.size >= maxSessions) {
      socket.destroy()
      return
    }
    this.counters.connections++
    const session = new FrontSession(++this.#lastId, socket, this.#market, this.#events)
    this.sessions.add(session)
    if (this.faults.of('halfOpen', undefined)) session.freeze()
    else session.welcome(this.requestsPerSecond())
  }

  readonly #events: SessionEvents = {
    login: (session, request) => this.#login(session, request),
    admits: session => this.#admits(session),
    answerFrom: session => performance.now() + (this.faults.of('slowAcknowledgements', session.user)?.ms ?? 0),
    losesAcknowledgement: (session, number) => this.#loses(session, number),
    hushed: session => this.faults.hushed(session.user),
    subscriptions: (number, change) => {
      this.subscribers[number] = (this.subscribers[number] ?? 0) + change
    },
    cut: (session, reason) => {
      this.counters.cuts++
      session.cut(reason)
    },
    closed: session => {
      this.sessions.delete(session)
    },
  }

  #bend(session: FrontSession, shared: Batch): Batch {
    if (session.user === undefined || (session.disturbance === undefined && !this.faults.disturbs(session.user))) return shared
    session.disturbance ??= new Disturbance(this.#market, session.id + 1)
    return session.disturbance.bend(shared, this.faults, session.user)
  }

  /** Spread by the golden ratio over the instruments, so that any share of them is an even one. */
  #loses(session: FrontSession, number: number): boolean {
    return this.faults
      .all('loseAcknowledgements', session.user)
      .some(({ covers, settings }) => covers?.[number] !== 0 && (number * 0.618034) % 1 < settings.share)
  }

  #login(session: FrontSession, request: Extract<Request, { op: 'login' }>): void {
    if (this.faults.of('muteLogins', request.userId) !== undefined) return
    const error = this.#loginRefusal(session, request)
    session.lastLoginAt = performance.now()
    if (error !== undefined) {
      this.counters.loginFailures++
      session.answer({ op: 'login', error })
      return
    }
    this.counters.logins++
    session.user = request.userId
    session.answer({ op: 'login', tradingDay: String(this.#tradingDay()) })
    const doom = this.faults.of('cutAfterLogin', request.userId)
    if (doom !== undefined) session.cutAt = performance.now() + doom.afterMs
    this.applyFaults(performance.now())
  }

  #loginRefusal(
    session: FrontSession,
    { brokerId, userId, password }: Extract<Request, { op: 'login' }>,
  ): FrontError | undefined {
    if (session.lastLoginAt !== 0 && performance.now() - session.lastLoginAt < loginIntervalMs) return frontErrors.tooFast
    if (session.user !== undefined) return frontErrors.duplicateLogin
    const refusal = this.faults.of('refuseLogins', userId)
    if (refusal !== undefined) {
      return { ErrorID: refusal.errorId, ErrorMsg: 'refused by a fault of the simulator' }
    }
    return this.#accounts.refusal(brokerId, userId, password)
  }

  /** A gateway that keeps the announced limit never meets this one: the second's count has some room for the way here. */
  #admits(session: FrontSession): boolean {
    const second = Math.floor(performance.now() / 1000)
    const window = this.#requests.get(session)
    const count = window?.second === second ? window.count + 1 : 1
    this.#requests.set(session, { second, count })
    if (count <= 2 * this.#requestsPerSecond) return true
    this.counters.requestsRefused++
    return false
  }
}
