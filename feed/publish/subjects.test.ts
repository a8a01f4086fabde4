import { expect, it } from 'vitest'
import { isCovered } from './subjects.ts'

it.each([
  ['market.tick.>', ['market.tick.>'], true],
  ['market.tick.>', ['market.>'], true],
  ['market.tick.>', ['>'], true],
  ['market.tick.>', ['market.tick.*.*'], false],
  ['market.tick.>', ['market.tick.SHFE.>', 'market.tick.DCE.>'], false],
  ['market.tick-gap.prod.ctp', ['market.tick.>'], false],
  ['market.tick-gap.prod.ctp', ['market.tick.>', 'market.tick-gap.>'], true],
  ['market.tick-gap.prod.ctp', ['market.*.prod.ctp'], true],
  ['market.tick-gap.prod.ctp', ['market.*'], false],
  ['a.b', ['a.b.c'], false],
  ['a.b', ['a.b.>'], false],
  ['a.b', [], false],
])('knows whether %s is captured by %j', (subject, patterns, covered) => {
  expect(isCovered(subject, patterns)).toBe(covered)
})
