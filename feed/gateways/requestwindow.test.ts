import { expect, it } from 'vitest'
import { lostAfterMs, maxPendingInstruments, RequestWindow } from './requestwindow.ts'

const named = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `i${from + i}`)
const ask = (window: RequestWindow, instruments: string[], now: number) => window.admit({ op: 'subscribe', instruments }, now)

it('admits no more than what may be pending, until answers come', () => {
  const window = new RequestWindow()
  expect(ask(window, named(maxPendingInstruments), 0)).toBe(0)
  expect(ask(window, ['other'], 1)).toBe(-2)
  window.answered(['i7'])
  expect(ask(window, ['other'], 2)).toBe(0)
})

it('counts an instrument once, however often it is asked for', () => {
  const window = new RequestWindow()
  for (let i = 0; i < 5; i++) expect(ask(window, named(maxPendingInstruments), i)).toBe(0)
  window.answered(named(maxPendingInstruments))
  expect(ask(window, named(maxPendingInstruments, maxPendingInstruments), 9)).toBe(0)
})

it('takes for lost what is not answered for long, and counts from the last time that it was asked for', () => {
  const window = new RequestWindow()
  const half = maxPendingInstruments / 2
  ask(window, named(maxPendingInstruments), 0)
  ask(window, named(half), 5000)
  expect(ask(window, ['other'], lostAfterMs - 1)).toBe(-2)
  expect(ask(window, named(half, maxPendingInstruments), lostAfterMs)).toBe(0)
  expect(ask(window, ['other'], lostAfterMs)).toBe(-2)
  expect(ask(window, ['other'], 5000 + lostAfterMs)).toBe(0)
})

it('admits as many requests a second as the front announced, and one login', () => {
  const window = new RequestWindow()
  window.limit(2)
  expect([0, 1, 2, 1000].map(now => ask(window, [`i${now}`], now))).toEqual([0, 0, -3, 0])
  expect([0, 999, 1000].map(now => window.admit({ op: 'login' }, now))).toEqual([0, -3, 0])
})
