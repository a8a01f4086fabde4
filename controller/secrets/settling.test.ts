import { beforeEach, expect, it } from 'vitest'
import { handClock } from '../simulation/clock.ts'
import { Settling, settleMs } from './settling.ts'

const [old, half, done] = [{ PASSWORD: '1' }, { PASSWORD: '2' }, { PASSWORD: '3' }]

let clock: ReturnType<typeof handClock>
let settling: Settling
let told: string[]

beforeEach(() => {
  clock = handClock(0)
  told = []
  settling = new Settling(clock, key => void told.push(key))
})

const settle = (values: typeof old) => settling.settle('a', values)
const pass = (ms: number) => clock.goTo(clock.now() + ms)

it('takes the first content at once', () => {
  expect(settle(old)).toBe(old)
})

it('takes another one when it has been the same for a while, and says when to look', () => {
  settle(old)
  expect(settle(half)).toBe(old)
  pass(settleMs - 1)
  expect(settle(half)).toBe(old)
  expect(told).toEqual([])
  pass(1)
  expect(told).toEqual(['a'])
  expect(settle(half)).toBe(half)
})

it('waits anew where it changes again meanwhile', () => {
  settle(old)
  settle(half)
  pass(settleMs - 1)
  expect(settle(done)).toBe(old)
  pass(settleMs)
  expect(settle(done)).toBe(done)
})

it('does not take what comes after the quiet for what was quiet', () => {
  settle(old)
  settle(half)
  pass(settleMs)
  expect(settle(done)).toBe(old)
  pass(settleMs)
  expect(settle(done)).toBe(done)
})

it('forgets a change that is taken back', () => {
  settle(old)
  settle(half)
  expect(settle({ ...old })).toEqual(old)
  pass(settleMs)
  expect(told).toEqual([])
  expect(settle(half)).toEqual(old)
})

it('begins anew with what was forgotten', () => {
  settle(old)
  settling.forget('a')
  expect(settle(half)).toBe(half)
})
