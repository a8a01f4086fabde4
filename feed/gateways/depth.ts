/**
 * One push of a front, with CTP's own field names (`CThostFtdcDepthMarketDataField`). Prices and volumes are as the front sent
 * them: `noValue` still stands where there is no value. Texts are trimmed; times are Asia/Shanghai.
 */
export type Depth = {
  TradingDay: string
  ActionDay: string
  /** HH:MM:SS */
  UpdateTime: string
  UpdateMillisec: number
  InstrumentID: string
  /** Empty in CTP's pushes: the session maps the exchange from the desired state. */
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
  AveragePrice: number
  /** Five levels, best first. */
  BidPrice: number[]
  BidVolume: number[]
  AskPrice: number[]
  AskVolume: number[]
}

/** DBL_MAX: how CTP says "no value". */
export const noValue = Number.MAX_VALUE

/** A depth to be written: of no value, with all levels of the book. A literal, so that V8 knows its shape. */
export function emptyDepth(): Depth {
  return {
    TradingDay: '',
    ActionDay: '',
    UpdateTime: '',
    UpdateMillisec: 0,
    InstrumentID: '',
    ExchangeID: '',
    LastPrice: noValue,
    PreSettlementPrice: noValue,
    PreClosePrice: noValue,
    PreOpenInterest: noValue,
    OpenPrice: noValue,
    HighestPrice: noValue,
    LowestPrice: noValue,
    Volume: 0,
    Turnover: noValue,
    OpenInterest: noValue,
    ClosePrice: noValue,
    SettlementPrice: noValue,
    UpperLimitPrice: noValue,
    LowerLimitPrice: noValue,
    AveragePrice: noValue,
    BidPrice: [noValue, noValue, noValue, noValue, noValue],
    BidVolume: [0, 0, 0, 0, 0],
    AskPrice: [noValue, noValue, noValue, noValue, noValue],
    AskVolume: [0, 0, 0, 0, 0],
  }
}
