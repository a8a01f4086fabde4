import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { type Depth, emptyDepth } from '../gateways/depth.ts'

/** For tests: a push of AP010 without any value but those given. */
export function depthWith(fields: Partial<Depth>): Depth {
  const time = { TradingDay: '20200803', ActionDay: '20200803', UpdateTime: '10:00:00' }
  const book = { BidPrice: [], BidVolume: [], AskPrice: [], AskVolume: [] }
  return { ...emptyDepth(), ...time, InstrumentID: 'AP010', ...book, ...fields }
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
