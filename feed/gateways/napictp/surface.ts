/**
 * What this project uses of the package napi-ctp, written from its documentation and declarations (0.5.2, Apache-2.0). The package
 * is no dependency: an image that talks to real fronts carries it (docs/concepts/ctp.md).
 */
export type NapiCtp = { MarketData: new (flowPath: string, fronts: string | string[]) => NapiMarketData }

/** Constructing one registers the fronts and connects. A request answers 0, -1, -2 or -3; after `close` it throws. */
export type NapiMarketData = {
  /** Valid after the login. */
  getTradingDay(): string
  reqUserLogin(request: { BrokerID: string; UserID: string; Password: string }): number
  reqUserLogout(request: { BrokerID: string; UserID: string }): number
  subscribeMarketData(instruments: string[]): number
  unsubscribeMarketData(instruments: string[]): number
  /** One handler an event: a second replaces the first. An event without one is dropped by the native side. */
  on<E extends keyof NapiEvents>(event: E, handler: NapiHandler<E>): NapiMarketData
  close(): void
}

export type NapiHandler<E extends keyof NapiEvents> = (data: NapiEvents[E], options: NapiOptions) => void

/** `rspInfo` is there only where ErrorID is not 0. */
export type NapiOptions = { requestId?: number; isLast?: boolean; rspInfo?: NapiRspInfo }

export type NapiRspInfo = { ErrorID: number; ErrorMsg: string }

/** What each event hands over first; `undefined` where the front sent no field, as it may beside an error. */
export type NapiEvents = {
  'front-connected': undefined
  'front-disconnected': number
  'rsp-user-login': { TradingDay: string } | undefined
  'rsp-user-logout': { BrokerID: string; UserID: string } | undefined
  'rsp-error': NapiRspInfo | undefined
  'rsp-sub-market-data': { InstrumentID: string } | undefined
  'rsp-unsub-market-data': { InstrumentID: string } | undefined
  'rtn-depth-market-data': NapiDepth | undefined
}

type Level = 1 | 2 | 3 | 4 | 5

/** CTP's `CThostFtdcDepthMarketDataField`. DBL_MAX stands for "no value". */
export type NapiDepth = {
  TradingDay: string
  ExchangeID: string
  LastPrice: number
  PreSettlementPrice: number
  PreClosePrice: number
  PreOpenInterest: number
  OpenPrice: number
  HighestPrice: number
  LowestPrice: number
  Volume: number
  Turnover: number
  OpenInterest: number
  ClosePrice: number
  SettlementPrice: number
  UpperLimitPrice: number
  LowerLimitPrice: number
  PreDelta: number
  CurrDelta: number
  UpdateTime: string
  UpdateMillisec: number
  AveragePrice: number
  /** Overwritten by the package from the machine's clock and zone. */
  ActionDay: string
  InstrumentID: string
  ExchangeInstID: string
  BandingUpperPrice: number
  BandingLowerPrice: number
} & Record<`${'BidPrice' | 'BidVolume' | 'AskPrice' | 'AskVolume'}${Level}`, number>
