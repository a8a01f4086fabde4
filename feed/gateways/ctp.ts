import { wallClock } from '../wallclock.ts'
import { ctpDepthOf } from './ctpdepth.ts'
import { ctpErrorOf } from './ctperror.ts'
import type { AccountSecrets, FrontError, Gateway, GatewayHandlers, SendResult } from './gateway.ts'
import type { NapiCtp, NapiDepth, NapiMarketData, NapiOptions } from './napictp/surface.ts'
import { RequestWindow } from './requestwindow.ts'

/** Instruments that one call of the library is given; users report batches of 10 to 500, a documented limit is not known. */
export const maxInstrumentsACall = 500

/** How long a close waits for the front to confirm the logout, which frees the user's session there. */
export const logoutAnswerMs = 500

export type CtpGatewayOptions = {
  module: NapiCtp
  /** Where the library keeps its files, with a slash at the end: the library puts it before their names. It must exist. */
  flowPath: string
  fronts: string[]
}

/**
 * Native objects, never let go: one that is collected is released while the library's threads still call it. They end with the
 * process.
 */
const alive = new Set<NapiMarketData>()

/** Whether a gateway has been opened in this process. It takes another process to connect anew. */
export function isCtpInUse(): boolean {
  return alive.size > 0
}

/**
 * The gateway to a real CTP front, through the package napi-ctp. What that package and the library in it demand is written down in
 * docs/concepts/ctp.md; the numbers in the comments here are that page's.
 *
 * Callbacks only translate and hand on: the queue between the library's threads and the event loop has no bound (9).
 */
export class CtpGateway implements Gateway {
  readonly #options: CtpGatewayOptions
  readonly #window = new RequestWindow()
  /** Asked for and not answered yet. */
  readonly #asked = new Set<string>()
  /** Instruments whose pushes are handed on. */
  readonly #subscribed = new Set<string>()
  #native: NapiMarketData | undefined
  #handlers: GatewayHandlers | undefined
  #isConnected = false
  #account: { BrokerID: string; UserID: string } | undefined
  #isLoggedIn = false
  #loggedOut: () => void = () => undefined

  constructor(options: CtpGatewayOptions) {
    this.#options = options
  }

  open(handlers: GatewayHandlers): void {
    const { module, flowPath, fronts } = this.#options
    this.#handlers = handlers
    const native = new module.MarketData(flowPath, fronts)
    alive.add(native)
    this.#native = native
    this.#listen(native)
  }

  login(secrets: AccountSecrets): SendResult {
    const native = this.#native
    if (native === undefined || !this.#isConnected) return -1
    const admitted = this.#window.admit({ op: 'login' }, performance.now())
    if (admitted !== 0) return admitted
    this.#account = { BrokerID: secrets.BROKER_ID, UserID: secrets.USER_ID }
    return sendResultOf(native.reqUserLogin({ ...this.#account, Password: secrets.PASSWORD }))
  }

  subscribe(instruments: string[]): SendResult {
    const send = (native: NapiMarketData, part: string[]) => {
      const result = sendResultOf(native.subscribeMarketData(part))
      if (result === 0) for (const instrument of part) this.#asked.add(instrument)
      return result
    }
    return this.#request(instruments, send, (handlers, instrument, error) => handlers.subscribed(instrument, error))
  }

  unsubscribe(instruments: string[]): SendResult {
    const send = (native: NapiMarketData, part: string[]) => {
      const result = sendResultOf(native.unsubscribeMarketData(part))
      if (result === 0) for (const instrument of part) this.#leave(instrument)
      return result
    }
    return this.#request(instruments, send, (handlers, instrument, error) => handlers.unsubscribed(instrument, error))
  }

  /**
   * Logs out and hands nothing on from here. The library's own release can crash the process, so the native object stays: it keeps
   * its connection, logged out, until the process ends (7).
   */
  async close(): Promise<void> {
    this.#handlers = undefined
    this.#isConnected = false
    const native = this.#native
    this.#native = undefined
    if (native === undefined || this.#account === undefined || !this.#isLoggedIn) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#loggedOut = resolve
    const timer = setTimeout(resolve, logoutAnswerMs)
    if (native.reqUserLogout(this.#account) !== 0) resolve()
    await promise
    clearTimeout(timer)
  }

  // All in the tick that constructed: an event without a handler is dropped (1). Never again after it: the library's threads look
  // handlers up while they run.
  #listen(native: NapiMarketData): void {
    native
      .on('front-connected', () => this.#connected())
      .on('front-disconnected', reason => this.#disconnected(reason))
      .on('rsp-user-login', (answer, options) => this.#loginAnswered(answer?.TradingDay ?? '', options))
      .on('rsp-user-logout', () => this.#logoutAnswered())
      .on('rsp-sub-market-data', (answer, options) => this.#subscribeAnswered(answer?.InstrumentID, options))
      .on('rsp-unsub-market-data', (answer, options) => this.#unsubscribeAnswered(answer?.InstrumentID, options))
      .on('rtn-depth-market-data', push => this.#pushed(push))
      .on('rsp-error', (info, { rspInfo = info }) => {
        if (rspInfo !== undefined) this.#handlers?.failed(ctpErrorOf(rspInfo))
      })
  }

  // Which of its fronts it chose, the library does not say.
  #connected(): void {
    if (this.#handlers === undefined) return
    this.#isConnected = true
    this.#handlers.connected(this.#options.fronts.join(','))
  }

  #disconnected(reason: number): void {
    this.#isConnected = false
    this.#isLoggedIn = false
    this.#loggedOut()
    this.#window.reset()
    this.#asked.clear()
    this.#subscribed.clear()
    this.#handlers?.disconnected(reason)
  }

  #loginAnswered(tradingDay: string, { rspInfo }: NapiOptions): void {
    if (rspInfo !== undefined) {
      this.#handlers?.loginFailed(ctpErrorOf(rspInfo))
      return
    }
    this.#isLoggedIn = true
    if (this.#native === undefined) return
    this.#handlers?.loggedIn({ tradingDay: tradingDay === '' ? this.#native.getTradingDay() : tradingDay })
  }

  #logoutAnswered(): void {
    this.#isLoggedIn = false
    this.#loggedOut()
    this.#handlers?.failed(ctpErrorOf({ ErrorID: 6, ErrorMsg: 'the front logged the user out' }))
  }

  #subscribeAnswered(instrument: string | undefined, { rspInfo }: NapiOptions): void {
    if (instrument === undefined) {
      this.#unattributed(rspInfo)
      return
    }
    const wasAsked = this.#asked.delete(instrument)
    this.#window.answered([instrument])
    if (rspInfo !== undefined) this.#handlers?.subscribed(instrument, ctpErrorOf(rspInfo))
    else if (wasAsked) this.#take(instrument)
  }

  #unsubscribeAnswered(instrument: string | undefined, { rspInfo }: NapiOptions): void {
    if (instrument === undefined) {
      this.#unattributed(rspInfo)
      return
    }
    this.#window.answered([instrument])
    this.#handlers?.unsubscribed(instrument, rspInfo && ctpErrorOf(rspInfo))
  }

  // Events of different kinds travel in queues of their own and may overtake each other (5): a push of what was asked for stands
  // in for its answer, and one of an earlier connection, or of what was left, goes no further.
  #pushed(push: NapiDepth | undefined): void {
    if (push === undefined || this.#handlers === undefined) return
    if (!this.#subscribed.has(push.InstrumentID)) {
      if (!this.#asked.delete(push.InstrumentID)) return
      this.#take(push.InstrumentID)
    }
    this.#handlers?.depth(ctpDepthOf(push), wallClock())
  }

  #take(instrument: string): void {
    this.#window.answered([instrument])
    this.#subscribed.add(instrument)
    this.#handlers?.subscribed(instrument)
  }

  #leave(instrument: string): void {
    this.#asked.delete(instrument)
    this.#subscribed.delete(instrument)
  }

  #unattributed(rspInfo: NapiOptions['rspInfo']): void {
    if (rspInfo !== undefined) this.#handlers?.failed(ctpErrorOf(rspInfo))
  }

  /** The first call decides. Where a later one is not taken, its instruments and the rest are answered with the code. */
  #request(
    instruments: string[],
    send: (native: NapiMarketData, part: string[]) => SendResult,
    refuse: (handlers: GatewayHandlers, instrument: string, error: FrontError) => void,
  ): SendResult {
    const native = this.#native
    if (native === undefined || !this.#isConnected) return -1
    const admitted = this.#window.admit({ op: 'instruments', instruments }, performance.now())
    if (admitted !== 0) return admitted
    for (let at = 0; at < instruments.length; at += maxInstrumentsACall) {
      const result = send(native, instruments.slice(at, at + maxInstrumentsACall))
      if (result === 0) continue
      const rest = instruments.slice(at)
      this.#window.answered(rest)
      if (at === 0) return result
      setImmediate(() => {
        if (this.#handlers === undefined) return
        for (const instrument of rest) refuse(this.#handlers, instrument, { ErrorID: result, ErrorMsg: sendTexts[result] })
      })
      break
    }
    return 0
  }
}

const sendTexts = {
  [-1]: 'the front is not connected',
  [-2]: 'too many requests pending',
  [-3]: 'too many requests a second',
}

/** The library's return code. Others than the four are not documented; they count as -2, which is tried again. */
function sendResultOf(code: number): SendResult {
  return code === 0 || code === -1 || code === -3 ? code : -2
}
