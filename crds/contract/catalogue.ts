import * as z from 'zod'
import { stalled } from './fault.ts'

/** CTP's product classes by name (`ThostFtdcProductClassType`: 1 futures, 2 options, 3 combination, ...). */
export const productClasses = ['future', 'option', 'combination', 'spot', 'efp', 'spot-option', 'tas'] as const
export type ProductClass = (typeof productClasses)[number]

export const exchanges = ['SHFE', 'DCE', 'CZCE', 'CFFEX', 'INE', 'GFEX'] as const
export type Exchange = (typeof exchanges)[number]

const isTime = /^[0-3]\d:[0-5]\d:[0-5]\d$/
const timeOfDay = z.string().regex(isTime, 'write a time as HH:MM:SS')

/** `[from, to]` as `HH:MM:SS` in Asia/Shanghai; hours of 24 and more belong to the next day (`25:00:00` is 01:00). */
export const windowSchema = z
  .tuple([timeOfDay, timeOfDay])
  .refine(([from, to]) => from < to || !isTime.test(from) || !isTime.test(to), 'the window ends before it begins')
  .meta({ description: 'Write [HH:MM:SS, HH:MM:SS]; hours after midnight are 24 and more: 01:00 is 25:00:00.' })

/** Whoever reads windows from outside parses them with this, so that a calendar meets only such as it can work with. */
export const windowsSchema = z.object({ day: z.array(windowSchema), night: z.array(windowSchema).optional() })
export type TradingWindows = z.infer<typeof windowsSchema>

const instrumentSchema = z.object({
  instrument_id: z.string().min(1).max(80),
  exchange_id: z.enum(exchanges),
  ins_class: z.enum(['FUTURE', 'FUTURE_OPTION', 'OPTION', 'FUTURE_COMBINE']),
  product_id: z.string().min(1).nullable(),
  price_tick: z.number(),
  volume_multiple: z.number(),
  trading_time: windowsSchema,
})

/**
 * One instrument of the catalogue. `multiplier` is the contract's volume multiple, `priceTick` its smallest price step. Where the
 * list names no product (DCE's combinations), it is the id without its digits, as CZCE's are named: `SP a1709&a1801` -> `SP a&a`.
 */
export type Instrument = {
  id: string
  exchange: Exchange
  product: string
  class: ProductClass
  multiplier: number
  priceTick: number
  windows: TradingWindows
}

const classOf = { FUTURE: 'future', FUTURE_OPTION: 'option', OPTION: 'option', FUTURE_COMBINE: 'combination' } as const

/**
 * Reads a catalogue: a JSON array with the fields of `examples/data/instruments` (those of tqsdk's contract list).
 * Throws a stalled Fault `CatalogueInvalid` that names the first entry that does not fit.
 */
export function parseCatalogue(text: string, name: string): Instrument[] {
  const result = z.array(instrumentSchema).safeParse(JSON.parse(text))
  if (result.success) return result.data.map(toInstrument)
  const issue = result.error.issues[0]
  throw stalled('CatalogueInvalid', `catalogue ${name}: entry ${issue?.path.join('.')}: ${issue?.message}`, result.error)
}

function toInstrument(raw: z.infer<typeof instrumentSchema>): Instrument {
  return {
    id: raw.instrument_id,
    exchange: raw.exchange_id,
    product: raw.product_id ?? raw.instrument_id.replace(/\d+/g, ''),
    class: classOf[raw.ins_class],
    multiplier: raw.volume_multiple,
    priceTick: raw.price_tick,
    windows: raw.trading_time,
  }
}
