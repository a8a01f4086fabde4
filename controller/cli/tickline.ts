import type { Tick } from '../../crds/contract/tick.ts'

const columns = [
  ['TIME', 12],
  ['INSTRUMENT', 16],
  ['LAST', 10],
  ['VOLUME', 9],
  ['BID', 16],
  ['ASK', 16],
  ['SEQUENCE', 8],
  ['EPOCH', 5],
  ['ACCOUNT', 7],
  ['NOTE', 0],
] as const

/** Header of the lines of `feedctl tail`; widths are fixed, as nobody knows what comes later. */
export function tickHeader(): string {
  return lineOf(columns.map(([name]) => name))
}

/** One tick on a line: the exchange's own clock, last price, volume of the day, best bid and ask as `price x lots`. `-` is no value. */
export function tickLine(tick: Tick): string {
  return lineOf([
    tick.exchangeTime?.slice(11, 23) ?? '-',
    `${tick.exchange}.${tick.instrument}`,
    String(tick.last ?? '-'),
    String(tick.volume),
    levelOf(tick.bids[0]),
    levelOf(tick.asks[0]),
    String(tick.sequence),
    String(tick.epoch),
    tick.account,
    [tick.snapshot && 'snapshot', tick.offSession && 'off-session'].filter(Boolean).join(' '),
  ])
}

function levelOf(level: [price: number, volume: number] | undefined): string {
  return level === undefined ? '-' : `${level[0]} x ${level[1]}`
}

function lineOf(cells: readonly string[]): string {
  return `${cells
    .map((cell, i) => cell.padEnd(columns[i]?.[1] ?? 0))
    .join('  ')
    .trimEnd()}\n`
}
