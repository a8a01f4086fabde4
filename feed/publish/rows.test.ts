import { expect, it } from 'vitest'
import { depthWith } from '../session/testing.ts'
import type { NumberedPush } from './numbered.ts'
import { Rows } from './rows.ts'
import { sampleLine, samplePush } from './sampletick.ts'
import { tickOf } from './tick.ts'

const cohort = { pending: 0, settled: () => {} }
const tick = (push: NumberedPush) => tickOf({ feed: 'n/f', account: 'primary' }, push)
const lines = Array.from({ length: 3 }, (_none, i) => sampleLine(`rb${i}`))

function pushes(count: number): NumberedPush[] {
  return Array.from({ length: count }, (_none, sequence) =>
    samplePush(lines[sequence % lines.length] ?? sampleLine(), {
      ...{
        sequence,
        epoch: 7,
        hash: sequence + 0.5,
        tradingDay: `${sequence}`,
        exchangeTime: sequence % 3 === 0 ? null : sequence,
      },
      ...{ snapshot: sequence % 2 === 0, offSession: sequence % 5 === 0 },
      depth: depthWith({ LastPrice: sequence, BidPrice: [sequence, 2], BidVolume: [1, 2], AskPrice: [3], AskVolume: [4] }),
    }),
  )
}

it('gives each push back as it was, over many of its pieces', () => {
  const rows = new Rows()
  const all = pushes(3000)
  const kept = all.map(push => rows.add(push, cohort))
  for (const [i, row] of kept.entries()) {
    const { depth: _depth, ...read } = rows.read(row)
    const { depth: _other, ...push } = all[i] as NumberedPush
    expect(read).toEqual(push)
    expect(tick(rows.read(row))).toEqual(tick(all[i] as NumberedPush))
    expect(rows.lossOf(row)).toEqual({ instrument: push.line.instrument, epoch: 7, receivedAt: push.receivedAt })
  }
})

it('uses a row again once it is free', () => {
  const rows = new Rows()
  const [first, second, third] = pushes(3).map(push => rows.add(push, cohort))
  rows.free(second ?? -1)
  expect([0, 1].map(() => rows.add(samplePush(sampleLine()), cohort))).toEqual([second, (third ?? 0) + 1])
  expect(rows.read(first ?? -1).sequence).toBe(0)
})
