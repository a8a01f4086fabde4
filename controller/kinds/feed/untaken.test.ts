import { afterEach, beforeEach, expect, it } from 'vitest'
import { kinds } from '../../../crds/kinds.ts'
import { imageReference, openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  stage.present.add(imageReference('good-2'))
  await stage.pass(minuteMs)
  stage.writes.length = 0
})
afterEach(() => stage.close())

const minuteMs = 60_000
const pushes = () => stage.writes.filter(write => write === 'push').length

/** Another rate limit in the profile, which a running process takes over. */
function editRateLimits(subscribeBatch: number): void {
  const profile = stage.store.declared.get('FeedProfile', 'sim/p')?.resource
  if (!profile) throw new Error('there is no profile')
  const spec = kinds.FeedProfile.spec.parse({ ...profile.spec, rateLimits: { subscribeBatch } })
  stage.store.declared.accept({
    objects: [{ resource: { ...profile, spec }, origin: { file: 'a.yaml', line: 1 } }],
    complete: false,
  })
}

it('a revision that the feed accepts and does not take up is told and fails: what it was before goes on', async () => {
  const [feed] = stage.feeds()
  if (!feed) throw new Error('nothing runs')
  feed.isOlder = true
  editRateLimits(100)
  await stage.pass(5000)
  expect(stage.condition('Ready')?.message).toContain('is its image older than the controller?')
  await stage.pass(minuteMs)
  expect(stage.condition('RolledBack')?.message).toContain('SettingsNotTaken')
  expect(stage.status).toMatchObject({ lastGoodRevision: 1, failedRevision: 2 })
  expect(stage.feeds()).toEqual([feed])
  expect(pushes()).toBeLessThan(5)
})

it('settings that a feed accepts and does not take up are told, and tried again now and then', async () => {
  const [feed] = stage.feeds()
  if (!feed) throw new Error('nothing runs')
  const { live } = feed.desired
  feed.isOlder = true
  feed.desired = { ...feed.desired, live: { ...live, rateLimits: { ...live.rateLimits, subscribeBatch: 1 } } }
  await stage.pass(5 * minuteMs)
  expect(stage.condition('Ready')).toMatchObject({ status: 'False', reason: 'SettingsNotTaken' })
  expect(pushes()).toBeGreaterThan(5)
  expect(pushes()).toBeLessThan(15)
  feed.isOlder = false
  await stage.pass(minuteMs)
  expect(stage.condition('Ready')).toMatchObject({ status: 'True' })
})

it('a push that failed is tried again at once, whatever was pushed before', async () => {
  stage.world.isMute = true
  editRateLimits(100)
  await stage.pass(1000)
  stage.world.isMute = false
  await stage.pass(5000)
  expect(stage.feeds()[0]?.desired.live.rateLimits.subscribeBatch).toBe(100)
})

it('a failover that a controller did not live to push is pushed by the next one at once', async () => {
  stage.dieAt(1, 'before')
  stage.edit({ active: 'backup' })
  await stage.pass(2000)
  expect(stage.deaths).toBe(1)
  expect(stage.feeds()[0]?.gate?.account).toBe('backup')
})
