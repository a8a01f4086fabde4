import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Instrument, ProductClass } from '../crds/contract/catalogue.ts'
import { defaultUniverse, readUniverse } from '../feed/simulator/universe.ts'
import { temporaryDirectory } from '../test/services/directory.ts'

/** A data directory of one catalogue, with the very instruments that a simulator of this size has. */
export type MarketData = { path: string; catalogue: string; remove(): Promise<void> }

export async function marketData(instruments: number): Promise<MarketData> {
  const { path, remove } = await temporaryDirectory('market')
  const catalogue = 'instruments/market.json'
  await mkdir(dirname(join(path, catalogue)))
  const universe = await readUniverse([defaultUniverse], instruments)
  await writeFile(join(path, catalogue), JSON.stringify(universe.map(entryOf)))
  return { path, catalogue, remove }
}

const namesOfClasses: Partial<Record<ProductClass, string>> = {
  future: 'FUTURE',
  option: 'OPTION',
  combination: 'FUTURE_COMBINE',
}

function entryOf({ id, exchange, product, class: productClass, multiplier, priceTick, windows }: Instrument) {
  return {
    instrument_id: id,
    exchange_id: exchange,
    ins_class: namesOfClasses[productClass],
    product_id: product,
    price_tick: priceTick,
    volume_multiple: multiplier,
    trading_time: windows,
  }
}
