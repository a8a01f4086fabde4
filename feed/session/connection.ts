import { isDeepStrictEqual } from 'node:util'
import { asFault, type Fault, transient } from '../../crds/contract/fault.ts'
import type { SessionState } from '../../crds/contract/feedstatus.ts'
import type { AccountSecrets, FrontError, Gateway, GatewayHandlers, SendResult } from '../gateways/gateway.ts'
import { endsTries, loginFaultOf } from './loginfault.ts'

/** A login that is not answered within this time counts as failed. */
export const loginAnswerMs = 10_000

/** A front that is not reached within this time is reported; the gateway goes on trying. */
export const frontPatienceMs = 15_000

/** How often a given-up login looks whether its secrets have changed. */
export const secretsPollMs = 2000

/** A session that was live for so long starts its back-off anew. */
export const steadyMs = 10_000
const maxBackOffMs = 60_000

export type ConnectionState = { state: SessionState; since: number; reason?: string; message?: string; errorId?: number }

export type ConnectionOptions = {
  readSecrets: () => Promise<AccountSecrets>
  /** `turn` grows where a front did not answer: it says at which of them to begin. */
  gatewayOf: (secrets: AccountSecrets, turn: number) => Gateway
  /** Logins a second; the front's own limit is 1. */
  loginsPerSecond: () => number
  /** Subscriptions, ticks and errors without a request go straight to the session. */
  handlers: Pick<GatewayHandlers, 'subscribed' | 'unsubscribed' | 'depth' | 'failed' | 'restarted'>
  loggedIn: (tradingDay: string) => void
  lost: (reason: number) => void
  changed: (state: ConnectionState) => void
}

/**
 * One account's way to a front: secrets, connection, login, again after each loss. The states are those of `sessionStates`; which
 * follows which is the picture in docs/concepts/feed.md.
 */
export class Connection {
  readonly counters = { reconnects: 0, loginErrors: 0, losses: 0 }
  readonly #options: ConnectionOptions
  #current: ConnectionState = { state: 'idle', since: Date.now() }
  #front: string | undefined
  #gateway: Gateway | undefined
  #secrets: AccountSecrets | undefined
  #timer: NodeJS.Timeout | undefined
  #attempts = 0
  #turn = 0
  #loginAt = Number.NEGATIVE_INFINITY
  #starts = 0
  #isClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get state(): ConnectionState {
    return this.#current
  }

  get front(): string | undefined {
    return this.#front
  }

  /** Reads the secrets and connects. Never throws: what goes wrong is in the state. */
  async start(): Promise<void> {
    clearTimeout(this.#timer)
    this.#enter('starting')
    const start = ++this.#starts
    try {
      const secrets = await this.#options.readSecrets()
      // Of two starts at the same time (other secrets, and a retry) the later one connects.
      if (!this.#isClosed && start === this.#starts) this.#connect(secrets)
    } catch (error) {
      if (start === this.#starts) this.#giveUp(asFault(error), undefined)
    }
  }

  subscribe(instruments: string[]): SendResult {
    return this.#gateway?.subscribe(instruments) ?? -1
  }

  unsubscribe(instruments: string[]): SendResult {
    return this.#gateway?.unsubscribe(instruments) ?? -1
  }

  /** Every wanted instrument has been answered. */
  settled(): void {
    if (this.#current.state === 'subscribing') this.#enter('live')
  }

  /** Further subscriptions are on their way. */
  unsettled(): void {
    if (this.#current.state === 'live') this.#enter('subscribing')
  }

  /** Drops the connection and starts anew. */
  async reconnect(): Promise<void> {
    this.#forgiveIfSteady()
    this.#options.lost(0)
    await this.#drop()
    if (!this.#isClosed) await this.start()
  }

  /** Tries a given-up login once more. */
  async retry(): Promise<void> {
    if (this.#gateway === undefined && (this.#current.state === 'failed' || this.#current.state === 'waiting')) await this.start()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#drop()
    this.#enter('idle')
  }

  #connect(secrets: AccountSecrets): void {
    clearTimeout(this.#timer)
    this.#secrets = secrets
    const gateway = this.#options.gatewayOf(secrets, this.#turn)
    this.#gateway = gateway
    this.#enter('connecting')
    this.#awaitFront()
    gateway.open(this.#handlersFor(gateway))
  }

  // A gateway that is being closed may still call: only the present one is listened to.
  #handlersFor(gateway: Gateway): GatewayHandlers {
    const only =
      <Arguments extends unknown[]>(handle: (...values: Arguments) => void) =>
      (...values: Arguments): void => {
        if (this.#gateway === gateway) handle(...values)
      }
    return {
      ...this.#options.handlers,
      connected: only(front => this.#connected(front)),
      disconnected: only(reason => this.#disconnected(reason)),
      loggedIn: only(({ tradingDay }) => this.#loggedIn(tradingDay)),
      loginFailed: only(error => this.#loginFailed(error)),
    }
  }

  #awaitFront(): void {
    const message = `no front has answered for ${frontPatienceMs / 1000} s`
    this.#timer = setTimeout(() => this.#enter('connecting', { reason: 'FrontUnreachable', message }), frontPatienceMs)
  }

  #connected(front: string): void {
    this.#front = front
    this.#enter('logging-in')
    this.#scheduleLogin()
  }

  #scheduleLogin(): void {
    clearTimeout(this.#timer)
    const pauseMs = Math.max(1000 / this.#options.loginsPerSecond(), backOffMs(this.#attempts))
    this.#timer = setTimeout(() => this.#login(), Math.max(0, this.#loginAt + pauseMs - performance.now()))
  }

  #login(): void {
    if (this.#gateway === undefined || this.#secrets === undefined) return
    this.#loginAt = performance.now()
    this.#attempts++
    this.#enter('logging-in')
    const result = this.#gateway.login(this.#secrets)
    if (result === -1) return
    if (result !== 0) {
      this.#scheduleLogin()
      return
    }
    this.#timer = setTimeout(() => this.#loginUnanswered(), loginAnswerMs)
  }

  // A front that takes connections may be dead behind them: the next try is a connection of its own, to the next front.
  #loginUnanswered(): void {
    this.counters.loginErrors++
    this.#enter('waiting', transient('LoginUnanswered', `the front did not answer the login in ${loginAnswerMs} ms`))
    this.#turn++
    void this.#drop()
    this.#timer = setTimeout(() => void this.start(), backOffMs(this.#attempts))
  }

  #loggedIn(tradingDay: string): void {
    clearTimeout(this.#timer)
    this.#enter('subscribing')
    this.#options.loggedIn(tradingDay)
  }

  #loginFailed(error: FrontError): void {
    this.counters.loginErrors++
    const fault = loginFaultOf(error)
    if (endsTries(fault)) {
      this.#giveUp(fault, error.ErrorID)
      return
    }
    this.#enter('waiting', fault, error.ErrorID)
    this.#scheduleLogin()
  }

  #disconnected(reason: number): void {
    clearTimeout(this.#timer)
    const { state } = this.#current
    this.#forgiveIfSteady()
    this.counters.losses++
    if (state === 'subscribing' || state === 'live') this.counters.reconnects++
    this.#enter('connecting', { reason: 'FrontDisconnected', message: `the front cut the connection: 0x${reason.toString(16)}` })
    this.#awaitFront()
    this.#options.lost(reason)
  }

  #forgiveIfSteady(): void {
    const { state, since } = this.#current
    if (state === 'live' && Date.now() - since > steadyMs) this.#attempts = 0
  }

  #giveUp(fault: Fault, errorId: number | undefined): void {
    if (this.#isClosed) return
    this.#enter(fault.class === 'stalled' ? 'failed' : 'waiting', fault, errorId)
    void this.#drop()
    this.#pollSecrets()
  }

  #pollSecrets(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#startIfChanged(), secretsPollMs)
  }

  async #startIfChanged(): Promise<void> {
    const secrets = await this.#options.readSecrets().catch(() => undefined)
    if (this.#isClosed || this.#gateway !== undefined) return
    if (secrets === undefined || isDeepStrictEqual(secrets, this.#secrets)) this.#pollSecrets()
    else await this.start()
  }

  async #drop(): Promise<void> {
    clearTimeout(this.#timer)
    const gateway = this.#gateway
    this.#gateway = undefined
    this.#front = undefined
    await gateway?.close().catch(() => undefined)
  }

  #enter(state: SessionState, cause?: { reason: string; message: string }, errorId?: number): void {
    this.#current = {
      state,
      since: state === this.#current.state ? this.#current.since : Date.now(),
      ...(cause === undefined ? {} : { reason: cause.reason, message: cause.message }),
      ...(errorId === undefined ? {} : { errorId }),
    }
    this.#options.changed(this.#current)
  }
}

/** Pause before the next login: 1 s doubled for each in a row, at most a minute, a quarter of it random. The first waits for none. */
export function backOffMs(attempts: number, random = Math.random()): number {
  if (attempts === 0) return 0
  return Math.min(maxBackOffMs, 1000 * 2 ** (attempts - 1)) * (0.75 + random / 4)
}
