import { expect, it } from 'vitest'
import { marketClock, parseDurationMs, renderSpan } from './duration.ts'

it.each([
  ['90s', 90_000],
  ['500ms', 500],
  ['3m', 180_000],
  ['1h', 3_600_000],
  ['0s', undefined],
  ['1.5m', undefined],
  ['soon', undefined],
])('reads %s', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms)
})

it.each([
  [350, '350ms'],
  [42_400, '42s'],
  [370_000, '6m10s'],
  [360_000, '6m'],
  [11_040_000, '3h4m'],
  [190_800_000, '2d5h'],
  [-5, '0ms'],
])('writes %d ms as %s', (ms, text) => {
  expect(renderSpan(ms)).toBe(text)
})

it("shows the exchanges' clock wherever the operator sits", () => {
  expect(marketClock(Date.parse('2026-11-23T00:54:00Z'))).toBe('08:54')
})
