import { afterEach, beforeEach, expect, it } from 'vitest'
import { transient } from '../../../crds/contract/fault.ts'
import { retryRequestSchema } from '../../../crds/contract/subscriptions.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'

const minuteMs = 60_000

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(minuteMs)
  stage.writes.length = 0
})
afterEach(() => stage.close())

const retried = () => stage.feeds().flatMap(feed => feed.retried)
const isReady = () => stage.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')

it('carries a token out once, with what it names, and remembers it in the status', async () => {
  stage.edit({ resubscribe: 'a?state=silent&batch=10' })
  await stage.pass(minuteMs)
  expect(retried()).toEqual([retryRequestSchema.parse({ states: ['silent'], batch: 10 })])
  expect(stage.status?.requests).toMatchObject({ resubscribe: 'a?state=silent&batch=10' })
  expect(stage.writes).toEqual([])
  await stage.pass(minuteMs)
  expect(retried()).toHaveLength(1)
  stage.edit({ resubscribe: 'b' })
  await stage.pass(minuteMs)
  expect(retried()).toHaveLength(2)
  expect(isReady()).toBe(true)
})

it('changes no revision and no epoch', async () => {
  const before = { revision: stage.status?.revision, epoch: stage.status?.epoch }
  stage.edit({ resubscribe: 'a' })
  await stage.pass(minuteMs)
  expect({ revision: stage.status?.revision, epoch: stage.status?.epoch }).toEqual(before)
})

it('is not carried out, and told once, where nobody can read it', async () => {
  stage.edit({ resubscribe: 'a?batch=none' })
  await stage.pass(minuteMs)
  expect(retried()).toEqual([])
  expect(stage.events.filter(({ reason }) => reason === 'ResubscribeInvalid').map(({ message }) => message)).toEqual([
    expect.stringMatching(/^feedplane\.dev\/resubscribe: batch: /),
  ])
  expect(isReady()).toBe(true)
})

it('waits for a feed that does not answer, and for a rollout that is under way', async () => {
  stage.world.isMute = true
  stage.edit({ resubscribe: 'a' })
  await stage.pass(minuteMs)
  expect(stage.status?.requests?.resubscribe).toBeUndefined()
  stage.world.isMute = false
  await stage.pass(minuteMs)
  expect(retried()).toHaveLength(1)
  stage.edit({ image: 'good-2', resubscribe: 'b' })
  await stage.pass(minuteMs)
  const [feed] = stage.feeds()
  expect(feed?.desired.revision).toBe(2)
  expect(feed?.retried).toHaveLength(1)
})

it('keeps a token that the feed did not take, and tells that', async () => {
  const [feed] = stage.feeds()
  if (!feed) throw new Error('nothing runs')
  feed.resubscribe = () => {
    throw transient('SessionSilent', 'the session did not answer in 3000 ms')
  }
  stage.edit({ resubscribe: 'a' })
  await stage.pass(minuteMs)
  expect(stage.status?.requests?.resubscribe).toBeUndefined()
  expect(stage.events).toContainEqual(
    expect.objectContaining({ type: 'Warning', reason: 'ResubscribeFailed', message: expect.stringMatching(/^SessionSilent: /) }),
  )
  Reflect.deleteProperty(feed, 'resubscribe')
  await stage.pass(minuteMs)
  expect(retried()).toHaveLength(1)
})

it('is not carried out while the feed is suspended', async () => {
  stage.edit({ suspend: true, resubscribe: 'a' })
  await stage.pass(minuteMs)
  expect(retried()).toEqual([])
  stage.edit({ suspend: false })
  await stage.pass(minuteMs)
  expect(retried()).toHaveLength(1)
})
