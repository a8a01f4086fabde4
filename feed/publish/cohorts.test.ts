import { expect, it } from 'vitest'
import { Cohorts } from './cohorts.ts'

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending')
  await Promise.resolve()
  return (await Promise.race([promise, new Promise(resolve => setImmediate(resolve, pending))])) !== pending
}

it('waits for what was there before, and not for what came after', async () => {
  const cohorts = new Cohorts()
  const before = [cohorts.enter(), cohorts.enter()]
  const flushed = cohorts.before()
  const after = cohorts.enter()
  for (const cohort of before) {
    expect(await isSettled(flushed)).toBe(false)
    cohorts.leave(cohort)
  }
  expect(await isSettled(flushed)).toBe(true)
  expect(after.pending).toBe(1)
})

it('has nothing to wait for where all has left', async () => {
  const cohorts = new Cohorts()
  cohorts.leave(cohorts.enter())
  expect(await isSettled(cohorts.before())).toBe(true)
  expect(await isSettled(cohorts.before())).toBe(true)
})

it('lets a second flush wait for the first one too', async () => {
  const cohorts = new Cohorts()
  const first = cohorts.enter()
  void cohorts.before()
  cohorts.leave(cohorts.enter())
  const second = cohorts.before()
  expect(await isSettled(second)).toBe(false)
  cohorts.leave(first)
  expect(await isSettled(second)).toBe(true)
})
