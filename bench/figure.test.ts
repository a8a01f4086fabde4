import { describe, expect, it } from 'vitest'
import { type Budget, type Figure, judge } from './figure.ts'
import { markdownTable, textTable } from './table.ts'

const figure: Figure = {
  name: 'failover',
  unit: 'ms',
  value: 120,
  p99: 160,
  n: 20,
  beside: [
    { kind: 'floor', name: 'event', value: 2 },
    { kind: 'peer', name: 'other', value: 240 },
  ],
}

describe('a budget', () => {
  const cases: [string, Budget, boolean][] = [
    ['of the value', { of: 'value', atMost: 150 }, true],
    ['of the value, to the dot', { of: 'value', atMost: 120 }, true],
    ['of the 99th percentile', { of: 'p99', atMost: 150 }, false],
    ['of the ratio to the first', { of: 'ratio', atMost: 59 }, false],
    ['from below', { of: 'ratio', atLeast: 60 }, true],
  ]
  it.each(cases)('%s', (_name, budget, holds) => {
    expect(judge({ ...figure, budget }).holds).toBe(holds)
  })

  it('does not hold where nothing was measured', () => {
    expect(judge({ ...figure, value: Number.NaN, budget: { of: 'value', atMost: 150 } }).holds).toBe(false)
    expect(judge({ ...figure, beside: [], budget: { of: 'ratio', atMost: 150 } }).holds).toBe(false)
  })
})

describe('the table', () => {
  const judged = judge({ ...figure, budget: { of: 'value', atMost: 150 } })

  it('shows a figure with its first companion, and each further one on a line of its own', () => {
    const [, first, second] = textTable([judged]).split('\n')
    expect(first).toMatch(/^failover +120 ms +160 ms +20 +floor: event +2 ms +60 x +at most 150 ms +yes$/)
    expect(second).toMatch(/^ +peer: other +240 ms +0.5 x$/)
  })

  it('says aloud what does not hold', () => {
    expect(markdownTable([{ ...judged, holds: false }])).toContain('| at most 150 ms | NO |')
  })
})
