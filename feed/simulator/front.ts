import { createServer, type Server, type Socket } from 'node:net'
import type { FrontError } from '../gateways/gateway.ts'
import { frontErrors, type Request } from '../gateways/message.ts'
import type { Accounts } from './accounts.ts'
import { exchangeTime } from './clock.ts'
import type { Market } from './market.ts'
import { FrontSession, type SessionEvents } from './session.ts'

/** A login earlier than this after the session's last one is refused (CTP: one a second and session). */
const loginIntervalMs = 1000

/** Sessions that the front takes at a time; more are closed at once, as with CTP's cap. */
const maxSessions = 64

/** What an operator of the simulator can set while it runs. Each is off at the start. */
export type Faults = {
  refuseLogins: { errorId: number; user?: string | undefined } | undefined
  muteLogins: boolean
  acknowledgementDelayMs: number
  flowControl: boolean
  /** Users whose sessions get no ticks, over their reconnects too. */
  stalledUsers: Set<string>
}

export type FrontCounters = {
  connections: number
  logins: number
  loginFailures: number
  requestsRefused: number
  /** Sessions ended for their backlog or for bytes that were no frame. */
  cuts: number
}

/** The sessions of all ports, their logins and their limits. Ticks come from the pacer through `push`. */
export class Front {
  readonly sessions = new Set<FrontSession>()
  readonly faults: Faults = {
    refuseLogins: undefined,
    muteLogins: false,
    acknowledgementDelayMs: 0,
    flowControl: false,
    stalledUsers: new Set(),
  }
  readonly counters: FrontCounters = { connections: 0, logins: 0, loginFailures: 0, requestsRefused: 0, cuts: 0 }
  /** Subscribers of each instrument, over all sessions. */
  readonly subscribers: Uint16Array
  /** 1 where an instrument is stalled by `stall`. */
  readonly silent: Uint8Array
  readonly #market: Market
  readonly #accounts: Accounts
  readonly #requestsPerSecond: number
  readonly #requests = new WeakMap<FrontSession, { second: number; count: number }>()
  readonly #servers: Server[] = []
  #lastId = 0

  constructor(market: Market, accounts: Accounts, requestsPerSecond: number) {
    this.subscribers = new Uint16Array(market.count)
    this.silent = new Uint8Array(market.count)
    this.#market = market
    this.#accounts = accounts
    this.#requestsPerSecond = requestsPerSecond
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

  push(from: number, to: number): void {
    const shared = this.#market.copy(from, to)
    for (const session of this.sessions) session.push(from, to, shared, this.silent)
  }

  acknowledge(now: number): void {
    for (const session of this.sessions) session.acknowledge(now)
  }

  heartbeat(): void {
    for (const session of this.sessions) session.heartbeat()
  }

  /** Above this gateways answer -3; 0 while flow control is on. */
  get requestsPerSecond(): number {
    return this.faults.flowControl ? 0 : this.#requestsPerSecond
  }

  setFlowControl(on: boolean): void {
    this.faults.flowControl = on
    for (const session of this.sessions) session.answer({ op: 'limit', requestsPerSecond: this.requestsPerSecond })
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.cut()
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
    session.answer({ op: 'welcome', requestsPerSecond: this.requestsPerSecond })
  }

  readonly #events: SessionEvents = {
    login: (session, request) => this.#login(session, request),
    admits: session => this.#admits(session),
    answerFrom: () => performance.now() + this.faults.acknowledgementDelayMs,
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

  #login(session: FrontSession, request: Extract<Request, { op: 'login' }>): void {
    if (this.faults.muteLogins) return
    const error = this.#loginRefusal(session, request)
    session.lastLoginAt = performance.now()
    if (error !== undefined) {
      this.counters.loginFailures++
      session.answer({ op: 'login', error })
      return
    }
    this.counters.logins++
    session.user = request.userId
    session.stalled = this.faults.stalledUsers.has(request.userId)
    session.answer({ op: 'login', tradingDay: String(exchangeTime(Date.now()).tradingDay) })
  }

  #loginRefusal(
    session: FrontSession,
    { brokerId, userId, password }: Extract<Request, { op: 'login' }>,
  ): FrontError | undefined {
    if (session.lastLoginAt !== 0 && performance.now() - session.lastLoginAt < loginIntervalMs) return frontErrors.tooFast
    if (session.user !== undefined) return frontErrors.duplicateLogin
    const { refuseLogins } = this.faults
    if (refuseLogins && (refuseLogins.user ?? userId) === userId) {
      return { ErrorID: refuseLogins.errorId, ErrorMsg: 'refused by a fault of the simulator' }
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
