import * as z from 'zod'
import { exchanges } from '../../crds/contract/catalogue.ts'

const price = z.number().nullable()
const time = z.number().meta({ description: 'ms since 1970 with microsecond decimals' })
const levels = z.array(z.tuple([z.number(), z.int().min(0)])).max(5)

/** A tick on the wire, for consumers in any language; `tick.schema.json` is made from it. */
export const tickSchema = z
  .strictObject({
    feed: z.string().meta({ description: 'namespace/name of the feed' }),
    account: z.enum(['primary', 'backup']),
    epoch: z.int().min(1).meta({ description: 'Grows with every change of publisher; refuse a lower one than you have seen.' }),
    sequence: z
      .int()
      .min(1)
      .meta({ description: 'Per instrument, contiguous within an epoch; a new epoch goes on or begins again at 1.' }),
    instrument: z.string().min(1),
    exchange: z.enum(exchanges),
    tradingDay: z
      .string()
      .regex(/^\d{8}$/)
      .meta({ description: 'YYYYMMDD that the tick is booked under; at night the next trading day.' }),
    exchangeTime: z
      .string()
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/)
      .nullable()
      .meta({ description: "The exchange's own clock." }),
    receivedAt: time.meta({ description: "The gateway's callback, ms since 1970 with microsecond decimals" }),
    publishedAt: time.meta({ description: 'Just before the bus, ms since 1970 with microsecond decimals' }),
    snapshot: z.literal(true).exactOptional().meta({ description: 'The state after a subscription, not a fresh tick.' }),
    offSession: z.literal(true).exactOptional().meta({ description: 'Outside the sessions: before the auction, settlement.' }),
    last: price,
    volume: z.int().min(0).meta({ description: 'Lots traded this trading day.' }),
    turnover: price,
    openInterest: price,
    averagePrice: price,
    open: price,
    high: price,
    low: price,
    close: price,
    settlement: price,
    previousClose: price,
    previousSettlement: price,
    previousOpenInterest: price,
    upperLimit: price,
    lowerLimit: price,
    bids: levels.meta({ description: 'Price and lots, best first, without the empty ones.' }),
    asks: levels.meta({ description: 'Price and lots, best first, without the empty ones.' }),
  })
  .meta({
    title: 'Tick',
    description: 'One tick of a feed. null is "no value", never 0. Prices are in the currency of the contract.',
  })

/** JSON Schema (2020-12) of a tick: the content of `tick.schema.json`. */
export function tickJsonSchema(): object {
  return z.toJSONSchema(tickSchema)
}
