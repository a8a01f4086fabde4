import type { Instrument } from '../../crds/contract/catalogue.ts'

/** How an instrument ticks, as tables to draw from: each entry is as likely as any other. */
export type Shape = {
  /** Of 256 ticks, so many have no trade. */
  idle: number
  /** Of 256 ticks, so many leave the best prices as they are. */
  still: number
  /** Of 256 ticks that leave the prices, so many leave the volumes beside them too. */
  frozen: number
  /** Of 256 trades, so many are at the last price where the book still has it. */
  sticky: number
  /** Of 64 other trades, those below the first are at the bid, below the second at the ask, below the third between; the rest outside. */
  sides: readonly [bid: number, ask: number, inside: number]
  /** Steps that the bid moves, and steps between bid and ask. */
  moves: Int8Array
  spreads: Uint8Array
  /** Lots of a tick with trades, and lots that wait at a level of the book. */
  lots: Uint16Array
  depths: Uint16Array
}

/** The shape of the nearest recording: index futures as IF2101, all else as AP010. */
export function shapeOf({ exchange }: Instrument): Shape {
  return exchange === 'CFFEX' ? index : commodity
}

/** Lots at a push of an auction, and of the first minute of a session, against those of other ticks (docs/concepts/simulator.md). */
export const lotsFactors = { auction: 20, opening: 5 } as const

type Share = readonly [value: number, share: number]

// Shares and quantiles of examples/data/ticks; docs/concepts/simulator.md tells how they were measured.
const commodity: Shape = {
  idle: of256(0.11),
  still: of256(0.45),
  frozen: of256(0.04),
  sticky: of256(0.3),
  sides: [27, 54, 60],
  moves: new Int8Array(
    drawn([
      [0, 0.34],
      [1, 0.27],
      [-1, 0.27],
      [2, 0.05],
      [-2, 0.05],
      [3, 0.01],
      [-3, 0.01],
    ]),
  ),
  spreads: new Uint8Array(
    drawn([
      [1, 0.672],
      [2, 0.284],
      [3, 0.039],
      [4, 0.005],
    ]),
  ),
  lots: new Uint16Array(
    quantiles([
      [0, 1],
      [0.1, 1],
      [0.25, 2.5],
      [0.5, 6.5],
      [0.75, 17],
      [0.9, 40],
      [0.95, 63],
      [0.99, 148],
      [0.999, 355],
      [1, 1100],
    ]),
  ),
  depths: new Uint16Array(
    quantiles([
      [0, 1],
      [0.05, 1],
      [0.25, 4.5],
      [0.5, 10],
      [0.75, 20],
      [0.95, 60],
      [0.99, 118],
      [1, 250],
    ]),
  ),
}

const index: Shape = {
  idle: of256(0.25),
  still: of256(0.22),
  frozen: of256(0.36),
  sticky: of256(0.3),
  sides: [15, 31, 53],
  moves: new Int8Array(
    drawn([
      [0, 0.38],
      [1, 0.19],
      [-1, 0.19],
      [2, 0.07],
      [-2, 0.07],
      [3, 0.03],
      [-3, 0.03],
      [4, 0.013],
      [-4, 0.013],
      [5, 0.007],
      [-5, 0.007],
    ]),
  ),
  spreads: new Uint8Array(
    drawn([
      [1, 0.252],
      [2, 0.237],
      [3, 0.207],
      [4, 0.15],
      [5, 0.084],
      [6, 0.04],
      [7, 0.016],
      [8, 0.014],
    ]),
  ),
  lots: new Uint16Array(
    quantiles([
      [0, 1],
      [0.25, 1],
      [0.5, 2],
      [0.75, 5],
      [0.9, 9],
      [0.95, 12],
      [0.99, 23],
      [0.999, 50],
      [1, 113],
    ]),
  ),
  depths: new Uint16Array(
    quantiles([
      [0, 1],
      [0.25, 1],
      [0.5, 2],
      [0.75, 3.5],
      [0.95, 9.5],
      [0.99, 18.5],
      [1, 40],
    ]),
  ),
}

function of256(share: number): number {
  return Math.round(share * 256)
}

/** 256 values in these shares. */
function drawn(shares: readonly Share[]): number[] {
  const values: number[] = []
  let sum = 0
  for (const [value, share] of shares) {
    sum += share
    while (values.length < Math.round(Math.min(1, sum) * 256)) values.push(value)
  }
  while (values.length < 256) values.push(shares[0]?.[0] ?? 0)
  return values
}

/** 1024 values with these quantiles, log-linear between them. */
function quantiles(points: readonly Share[]): number[] {
  return Array.from({ length: 1024 }, (_, place) => {
    const share = (place + 0.5) / 1024
    const next = Math.max(
      1,
      points.findIndex(([at]) => at >= share),
    )
    const [[fromShare, from], [toShare, to]] = [points[next - 1] ?? [0, 1], points[next] ?? [1, 1]]
    const part = (share - fromShare) / (toShare - fromShare)
    return Math.max(1, Math.round(Math.exp(Math.log(from) * (1 - part) + Math.log(to) * part)))
  })
}
