import type { Depth } from './depth.ts'
import type { NapiDepth } from './napictp/surface.ts'

/** A push of the binding with its ten columns of the book as four lists. Every value stays as it is, DBL_MAX as well. */
export function ctpDepthOf(push: NapiDepth): Depth {
  return {
    TradingDay: push.TradingDay,
    ActionDay: push.ActionDay,
    UpdateTime: push.UpdateTime,
    UpdateMillisec: push.UpdateMillisec,
    InstrumentID: push.InstrumentID,
    ExchangeID: push.ExchangeID,
    LastPrice: push.LastPrice,
    PreSettlementPrice: push.PreSettlementPrice,
    PreClosePrice: push.PreClosePrice,
    PreOpenInterest: push.PreOpenInterest,
    OpenPrice: push.OpenPrice,
    HighestPrice: push.HighestPrice,
    LowestPrice: push.LowestPrice,
    Volume: push.Volume,
    Turnover: push.Turnover,
    OpenInterest: push.OpenInterest,
    ClosePrice: push.ClosePrice,
    SettlementPrice: push.SettlementPrice,
    UpperLimitPrice: push.UpperLimitPrice,
    LowerLimitPrice: push.LowerLimitPrice,
    AveragePrice: push.AveragePrice,
    BidPrice: [push.BidPrice1, push.BidPrice2, push.BidPrice3, push.BidPrice4, push.BidPrice5],
    BidVolume: [push.BidVolume1, push.BidVolume2, push.BidVolume3, push.BidVolume4, push.BidVolume5],
    AskPrice: [push.AskPrice1, push.AskPrice2, push.AskPrice3, push.AskPrice4, push.AskPrice5],
    AskVolume: [push.AskVolume1, push.AskVolume2, push.AskVolume3, push.AskVolume4, push.AskVolume5],
  }
}
