import { expect, it } from 'vitest'
import { Failovers } from './failovers.ts'

function begun(): Failovers {
  const failovers = new Failovers()
  failovers.ordered(performance.now())
  failovers.begin('primary', 'backup', 2, 'declared')
  failovers.closed()
  return failovers
}

it('is complete with the first tick of the account that the gate moved to', () => {
  const failovers = begun()
  expect(failovers.opened()).toBeUndefined()
  expect(failovers.ticked('primary', 2)).toBeUndefined()
  expect(failovers.ticked('backup', 1)).toBeUndefined()
  expect(failovers.ticked('backup', 2)).toBe(failovers.last)
  expect(failovers.ticked('backup', 2)).toBeUndefined()
  expect(failovers.count).toBe(1)
})

it('keeps its phases in order where word of the first tick comes before that of the open gate', () => {
  const failovers = begun()
  expect(failovers.ticked('backup', 2)).toBeUndefined()
  const { closedMs = 0, openedMs = 0, firstTickMs = 0 } = failovers.opened()?.phases ?? {}
  expect(closedMs).toBeGreaterThan(0)
  expect(openedMs).toBeGreaterThanOrEqual(closedMs)
  expect(firstTickMs).toBeGreaterThanOrEqual(openedMs)
})
