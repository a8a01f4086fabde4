import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const minuteMs = 60_000
const rival = { holder: 'elsewhere/1', epoch: 40 }
const ready = () => stage.condition('Ready')
const reasons = () => stage.events.map(({ reason }) => reason)

async function isQuiet(): Promise<boolean> {
  stage.writes.length = 0
  await stage.pass(minuteMs)
  return stage.writes.length === 0
}

it('a feed that another process has deposed is stalled, and the gate is not fought for', async () => {
  await stage.pass(minuteMs)
  stage.world.rival = rival
  expect(await isQuiet()).toBe(true)
  expect(ready()).toMatchObject({ status: 'False', reason: 'Deposed' })
  expect(ready()?.message).toContain('elsewhere/1 has claimed epoch 40')
  expect(stage.condition('Stalled')).toMatchObject({ status: 'True', reason: 'Deposed' })
})

it('a retry takes the gate back, once, in an epoch above the other one', async () => {
  await stage.pass(minuteMs)
  stage.world.rival = rival
  await stage.pass(minuteMs)
  stage.edit({ retry: 'mine' })
  await stage.pass(minuteMs)
  expect(ready()).toMatchObject({ status: 'True' })
  expect(stage.condition('Stalled')).toBeUndefined()
  expect(stage.feeds()[0]?.epoch).toBeGreaterThan(rival.epoch)
  expect(reasons()).toContain('RetryRequested')
  stage.world.rival = { holder: 'elsewhere/1', epoch: 90 }
  expect(await isQuiet()).toBe(true)
  expect(ready()).toMatchObject({ status: 'False', reason: 'Deposed' })
})

it('a rollout is not proven while another process has the epoch, and goes on after a retry', async () => {
  stage.world.rival = rival
  await stage.pass(5000)
  expect(stage.condition('Stalled')).toMatchObject({ status: 'True', reason: 'Deposed' })
  expect(stage.condition('Stalled')?.message).toContain('revision 1, proving: elsewhere/1 has claimed epoch 40')
  stage.edit({ retry: 'mine' })
  await stage.pass(minuteMs)
  expect(ready()).toMatchObject({ status: 'True' })
  expect(reasons()).not.toContain('RetryIgnored')
})

it('a first rollout that failed because another process has the epoch is proven after a retry', async () => {
  stage.world.rival = rival
  await stage.pass(10 * minuteMs)
  expect(stage.status?.failedRevision).toBe(1)
  stage.edit({ retry: 'mine' })
  await stage.pass(minuteMs)
  expect(ready()).toMatchObject({ status: 'True' })
  expect(stage.feeds()[0]?.epoch).toBeGreaterThan(rival.epoch)
})

it('a successor that finds itself deposed at its promotion never counts as good', async () => {
  stage.edit({ strategy: 'Handover' })
  await stage.pass(minuteMs)
  stage.world.rival = rival
  stage.edit({ image: 'good-2' })
  await stage.pass(10 * minuteMs)
  expect(stage.status?.lastGoodRevision).toBe(1)
  expect(stage.condition('Stalled')).toMatchObject({ status: 'True' })
})

it('a feed that finds the claim of one that ended in good order goes on above it by itself, and says so once', async () => {
  stage.world.rival = { ...rival, released: true }
  await stage.pass(minuteMs)
  expect(ready()).toMatchObject({ status: 'True' })
  expect(stage.feeds()[0]?.gate?.epoch).toBeGreaterThan(rival.epoch)
  expect(reasons().filter(reason => reason === 'EpochReleased')).toHaveLength(1)
  expect(await isQuiet()).toBe(true)
})
