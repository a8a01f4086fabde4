import { existsSync } from 'node:fs'
import type { Depth } from '../depth.ts'
import type { FrontError, SendResult } from '../gateway.ts'
import { SimulatorGateway } from '../simulator.ts'
import type { NapiDepth, NapiEvents, NapiHandler, NapiMarketData, NapiOptions } from './surface.ts'

/** An object of the binding holds its front's address in 64 bytes, terminator included. */
const maxFrontBytes = 63

/** In which order kinds of events are handed over that came in one turn: each kind has a queue of its own, and this is the worst. */
const kinds = [
  'rtn-depth-market-data',
  'rsp-sub-market-data',
  'rsp-unsub-market-data',
  'rsp-error',
  'rsp-user-login',
  'rsp-user-logout',
  'front-connected',
  'front-disconnected',
] as const satisfies (keyof NapiEvents)[]

type Kind = keyof NapiEvents
type Queued = { [K in Kind]: [data: NapiEvents[K], options: NapiOptions] }[Kind]

/**
 * Stands in for the package napi-ctp, which no registry that we build from has: the same class, written from its documented surface,
 * with our simulator for a front. For tests; `index.js` of a package that exports this module is a napi-ctp.
 */
export class MarketData implements NapiMarketData {
  readonly #front: SimulatorGateway
  readonly #handlers = new Map<Kind, (data: unknown, options: NapiOptions) => void>()
  readonly #queues = new Map<Kind, Queued[]>()
  readonly #account = { BrokerID: '', UserID: '' }
  #tradingDay = ''
  #requestId = 1
  #turn: NodeJS.Immediate | undefined
  #isClosed = false

  constructor(flowPath: string, fronts: string | string[]) {
    if (!existsSync(flowPath)) throw new Error(`the flow path ${flowPath} does not exist`)
    const addresses = [fronts].flat().map(front => front.slice(0, maxFrontBytes))
    this.#front = new SimulatorGateway({ fronts: addresses, reconnectMs: { first: 5, longest: 20 } })
    this.#front.open({
      connected: () => this.#push('front-connected', undefined),
      disconnected: reason => this.#push('front-disconnected', reason),
      loggedIn: ({ tradingDay }) => this.#loggedIn(tradingDay),
      loginFailed: error => this.#push('rsp-user-login', { TradingDay: '' }, this.#answerTo(error)),
      subscribed: (instrument, error) => this.#push('rsp-sub-market-data', { InstrumentID: instrument }, this.#answerTo(error)),
      unsubscribed: (instrument, error) =>
        this.#push('rsp-unsub-market-data', { InstrumentID: instrument }, this.#answerTo(error)),
      depth: depth => this.#push('rtn-depth-market-data', napiDepthOf(depth, this.#tradingDay)),
      failed: error => this.#push('rsp-error', error, { requestId: this.#requestId, isLast: true }),
    })
  }

  getApiVersion(): string {
    return 'stand-in'
  }

  getTradingDay(): string {
    this.#checkOpen()
    return this.#tradingDay
  }

  reqUserLogin({ BrokerID = '', UserID = '', Password = '' }: { BrokerID?: string; UserID?: string; Password?: string } = {}) {
    return this.#request(() => {
      Object.assign(this.#account, { BrokerID, UserID })
      return this.#front.login({ BROKER_ID: BrokerID, USER_ID: UserID, PASSWORD: Password })
    })
  }

  /** The simulator has no logout: it is confirmed here, and pushes go on until the connection ends. */
  reqUserLogout(): number {
    return this.#request(() => {
      this.#push('rsp-user-logout', { ...this.#account }, this.#answerTo(undefined))
      return 0
    })
  }

  subscribeMarketData(instruments: string[]): number {
    return this.#request(() => this.#front.subscribe(instruments))
  }

  unsubscribeMarketData(instruments: string[]): number {
    return this.#request(() => this.#front.unsubscribe(instruments))
  }

  on<E extends Kind>(event: E, handler: NapiHandler<E>): this {
    this.#handlers.set(event, handler as (data: unknown, options: NapiOptions) => void)
    return this
  }

  close(): void {
    this.#isClosed = true
    clearImmediate(this.#turn)
    void this.#front.close()
  }

  #request(send: () => SendResult): number {
    this.#checkOpen()
    this.#requestId++
    return send()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Error('MdApi is closed')
  }

  #loggedIn(tradingDay: string): void {
    this.#tradingDay = tradingDay
    this.#push('rsp-user-login', { TradingDay: tradingDay }, this.#answerTo(undefined))
  }

  #answerTo(error: FrontError | undefined): NapiOptions {
    return { requestId: this.#requestId, isLast: true, ...(error === undefined ? {} : { rspInfo: error }) }
  }

  // Dropped here and now where nobody listens, as the native side does.
  #push<K extends Kind>(kind: K, data: NapiEvents[K], options: NapiOptions = {}): void {
    if (this.#isClosed || !this.#handlers.has(kind)) return
    const queue = this.#queues.get(kind) ?? []
    queue.push([data, options] as Queued)
    this.#queues.set(kind, queue)
    this.#turn ??= setImmediate(() => this.#hand())
  }

  #hand(): void {
    this.#turn = undefined
    for (const kind of kinds)
      for (const [data, options] of this.#queues.get(kind)?.splice(0) ?? []) this.#handlers.get(kind)?.(data, options)
  }
}

function napiDepthOf(depth: Depth, tradingDay: string): NapiDepth {
  const { BidPrice, BidVolume, AskPrice, AskVolume, ...rest } = depth
  return {
    ...rest,
    TradingDay: tradingDay,
    ActionDay: localDay(new Date()),
    ExchangeInstID: '',
    PreDelta: Number.MAX_VALUE,
    CurrDelta: Number.MAX_VALUE,
    BandingUpperPrice: Number.MAX_VALUE,
    BandingLowerPrice: Number.MAX_VALUE,
    ...columns('BidPrice', BidPrice),
    ...columns('BidVolume', BidVolume),
    ...columns('AskPrice', AskPrice),
    ...columns('AskVolume', AskVolume),
  }
}

/** By the machine's clock and the process' zone, whatever the front sent. */
function localDay(now: Date): string {
  const [month, day] = [now.getMonth() + 1, now.getDate()].map(part => String(part).padStart(2, '0'))
  return `${now.getFullYear()}${month}${day}`
}

type Columns<Name extends string> = Record<`${Name}${1 | 2 | 3 | 4 | 5}`, number>

function columns<Name extends string>(name: Name, values: number[]): Columns<Name> {
  return Object.fromEntries(values.map((value, level) => [`${name}${level + 1}`, value])) as Columns<Name>
}
