/** What the figures need of a tick; prices in price steps. */
export type ShapeTick = {
  last: number
  bid: number
  ask: number
  bidVolume: number
  askVolume: number
  volume: number
  openInterest: number
  turnover: number
}

/**
 * How an instrument ticks, from consecutive ticks of continuous trading (docs/concepts/simulator.md has them for the recordings):
 * the means by which the market's walk is held to what was recorded. Shares are of ticks, or of trades where the name says so.
 */
export type ShapeFigures = {
  ticks: number
  noTrade: number
  unchangedPrices: number
  unchangedBook: number
  unchangedLast: number
  unchangedLastOfTrades: number
  /** Standard deviation of the last price's change, in steps, and how it goes with the change before. */
  changeDeviation: number
  changeCorrelation: number
  meanSpread: number
  lotsMedian: number
  lotsMean: number
  lots99: number
  tradesAtBidOrAsk: number
  unchangedInterestOfTrades: number
  decreasingTurnover: number
}

export function shapeFigures(ticks: ShapeTick[]): ShapeFigures {
  const pairs = ticks.slice(1).map((tick, index) => ({ tick, before: ticks[index] ?? tick }))
  const trades = pairs.filter(({ tick, before }) => tick.volume !== before.volume)
  const lots = trades.map(({ tick, before }) => tick.volume - before.volume).sort((a, b) => a - b)
  const changes = pairs.map(({ tick, before }) => tick.last - before.last)
  const { deviation, correlation } = spreadOf(changes)
  const unchangedPrices = pairs.filter(({ tick, before }) => tick.bid === before.bid && tick.ask === before.ask)
  return {
    ticks: ticks.length,
    noTrade: 1 - trades.length / pairs.length,
    unchangedPrices: unchangedPrices.length / pairs.length,
    unchangedBook:
      unchangedPrices.filter(({ tick, before }) => tick.bidVolume === before.bidVolume && tick.askVolume === before.askVolume)
        .length / pairs.length,
    unchangedLast: share(pairs, ({ tick, before }) => tick.last === before.last),
    unchangedLastOfTrades: share(trades, ({ tick, before }) => tick.last === before.last),
    changeDeviation: deviation,
    changeCorrelation: correlation,
    meanSpread: mean(ticks.map(({ bid, ask }) => ask - bid)),
    lotsMedian: lots[Math.floor(lots.length / 2)] ?? 0,
    lotsMean: mean(lots),
    lots99: lots[Math.floor(lots.length * 0.99)] ?? 0,
    tradesAtBidOrAsk: share(trades, ({ tick }) => tick.last === tick.bid || tick.last === tick.ask),
    unchangedInterestOfTrades: share(trades, ({ tick, before }) => tick.openInterest === before.openInterest),
    decreasingTurnover: share(pairs, ({ tick, before }) => tick.turnover < before.turnover),
  }
}

function spreadOf(changes: number[]): { deviation: number; correlation: number } {
  const middle = mean(changes)
  const square = mean(changes.map(change => (change - middle) ** 2))
  const product = mean(changes.slice(1).map((change, index) => (change - middle) * ((changes[index] ?? 0) - middle)))
  return { deviation: Math.sqrt(square), correlation: product / square }
}

function share<T>(values: T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length / values.length
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
