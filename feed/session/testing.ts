import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { type Depth, noValue } from '../gateways/depth.ts'

/** For tests: a push of AP010 without any value but those given. */
export function depthWith(fields: Partial<Depth>): Depth {
  return {
    TradingDay: '20200803',
    ActionDay: '20200803',
    UpdateTime: '10:00:00',
    UpdateMillisec: 0,
    InstrumentID: 'AP010',
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
    BidPrice: [],
    BidVolume: [],
    AskPrice: [],
    AskVolume: [],
    ...fields,
  }
}

/** For tests: CZCE apples with their day session. */
export function groupOf(instruments: string[]): InstrumentGroup {
  return {
    exchange: 'CZCE',
    product: 'AP',
    class: 'future',
    multiplier: 10,
    priceTick: 1,
    windows: { day: [['09:00:00', '10:15:00']] },
    instruments,
  }
}
