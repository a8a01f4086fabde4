import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SimulatedFeed } from '../../simulation/feed.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'

const minuteMs = 60_000

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

async function serving(): Promise<SimulatedFeed> {
  await stage.pass(minuteMs)
  stage.writes.length = 0
  stage.events.length = 0
  return theFeed()
}

function theFeed(): SimulatedFeed {
  const [feed] = stage.feeds()
  if (!feed) throw new Error('nothing runs')
  return feed
}

const said = (type: string) => `${stage.condition(type)?.status} ${stage.condition(type)?.reason}`
const reasons = () => stage.events.map(({ reason }) => reason)

it('has the process that runs try a locked account once for each token, and is Ready when the front lets it in', async () => {
  const feed = await serving()
  feed.locked.add('primary')
  await stage.pass(minuteMs)
  expect([said('Ready'), said('CredentialsReady')]).toEqual(['False AccountLocked', 'False AccountLocked'])
  stage.edit({ retry: 'a' })
  await stage.pass(10 * minuteMs)
  expect(feed.loginTokens).toEqual(['a'])
  expect(stage.status?.requests).toMatchObject({ retry: 'a' })
  expect(said('Ready')).toBe('False AccountLocked')
  feed.isUnlocked = true
  stage.edit({ retry: 'b' })
  await stage.pass(minuteMs)
  expect(feed.loginTokens).toEqual(['a', 'b'])
  expect([said('Ready'), said('CredentialsReady')]).toEqual(['True DataFlowing', 'True SecretsRead'])
  expect(reasons()).toEqual(['RetryRequested', 'RetryRequested'])
  expect(stage.writes).toEqual([])
})

it('tells of a locked standby while the feed is Ready, and retries that too', async () => {
  const feed = await serving()
  feed.locked.add('backup')
  await stage.pass(minuteMs)
  expect([said('Ready'), said('CredentialsReady')]).toEqual(['True DataFlowing', 'False AccountLocked'])
  feed.isUnlocked = true
  stage.edit({ retry: 'a' })
  await stage.pass(minuteMs)
  expect(said('CredentialsReady')).toBe('True SecretsRead')
  expect(reasons()).toEqual(['RetryRequested'])
})

it('keeps the token while the feed does not answer', async () => {
  const feed = await serving()
  feed.locked.add('primary')
  await stage.pass(minuteMs)
  stage.edit({ retry: 'a' })
  feed.retryLogins = () => {
    throw new Error('it is cut off')
  }
  await stage.pass(minuteMs)
  expect(stage.status?.requests?.retry).toBeUndefined()
  expect(reasons()).toContain('RetryLoginsFailed')
  Reflect.deleteProperty(feed, 'retryLogins')
  feed.isUnlocked = true
  await stage.pass(minuteMs)
  expect(feed.loginTokens).toEqual(['a'])
  expect(said('Ready')).toBe('True DataFlowing')
})

it('frees a first rollout that got stuck on a locked account, in the process that runs', async () => {
  stage.edit({ image: 'slow' })
  while (stage.feeds().length === 0) await stage.pass(100)
  theFeed().locked.add('primary')
  await stage.pass(minuteMs)
  expect(stage.condition('Stalled')).toMatchObject({ status: 'True', reason: 'ProgressDeadlineExceeded' })
  const feed = theFeed()
  feed.isUnlocked = true
  stage.writes.length = 0
  stage.edit({ retry: 'a' })
  await stage.pass(minuteMs)
  expect(said('Ready')).toBe('True DataFlowing')
  expect(theFeed()).toBe(feed)
  expect(stage.writes).toEqual([])
})

it('says that there was nothing to retry where no login was given up', async () => {
  await serving()
  stage.edit({ retry: 'a' })
  await stage.pass(minuteMs)
  expect(reasons()).toEqual(['RetryIgnored'])
  expect(theFeed().loginTokens).toEqual([])
})
