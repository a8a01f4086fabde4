import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stalled, transient } from '../../../crds/contract/fault.ts'
import { imageReference, openStage, type Stage } from '../../simulation/stage.ts'

// Brings about states that a feed passes through, or gets stuck in, and that no other suite waits for: what an operator reads in
// `feedctl describe` while it is so. docs/reference/conditions.md has a row for each.

const minuteMs = 60_000
const never = () => new Promise<never>(() => undefined)

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

/** Every `Condition=Status Reason` that there was while this time went by, with the message of the last one. */
async function seenIn(ms: number): Promise<Map<string, string>> {
  const seen = new Map<string, string>()
  await stage.pass(ms, () => {
    for (const { type, status, reason, message } of stage.status?.conditions ?? [])
      seen.set(`${type}=${status} ${reason}`, message)
  })
  return seen
}

const host = () => {
  const engine = stage.engines.get('sim/h1')
  if (!engine) throw new Error('the stage has no h1')
  return engine
}

describe('while all goes well', () => {
  it('a rollout by Recreate is told phase by phase', async () => {
    await stage.pass(minuteMs)
    stage.edit({ image: 'slow' })
    const seen = await seenIn(minuteMs)
    expect(seen.get('Reconciling=True Replacing')).toContain('revision 2, replacing')
    expect(seen.get('Reconciling=True Proving')).toContain('revision 2, proving')
    expect(seen.get('FailedOver=False Primary')).toBe('the primary account is active')
    expect(stage.condition('Ready')).toMatchObject({ status: 'True', reason: 'DataFlowing' })
  })

  it('a handover is told phase by phase', async () => {
    stage.edit({ strategy: 'Handover' })
    await stage.pass(minuteMs)
    stage.edit({ image: 'slow' })
    const seen = await seenIn(minuteMs)
    for (const [reason, phase] of [
      ['StartingMuted', 'starting'],
      ['ProvingMuted', 'rehearsing'],
      ['Promoting', 'promoting'],
      ['Settling', 'settling'],
    ])
      expect(seen.get(`Reconciling=True ${reason}`), reason).toContain(`revision 2, ${phase}`)
  })
})

describe('an image that does not come', () => {
  beforeEach(async () => {
    await stage.pass(minuteMs)
    host().pullImage = never
  })

  it('is waited for until the deadline, and what serves goes on', async () => {
    stage.edit({ image: 'good-2' })
    const seen = await seenIn(minuteMs)
    expect(seen.get('Reconciling=True PreparingImage')).toContain('the image is on its way')
    expect(stage.condition('Stalled')?.message).toContain('ImagePullTimeout')
    expect(stage.condition('RolledBack')).toMatchObject({ status: 'True', reason: 'ImagePullTimeout' })
    expect(stage.feeds().filter(feed => feed.isPublishing)).toHaveLength(1)
  })

  it('is told where a container that is gone waits for it', async () => {
    const [workload] = stage.workloads()
    stage.present.delete(imageReference('good-1'))
    await host().remove(workload?.name ?? '', AbortSignal.timeout(1000))
    const seen = await seenIn(minuteMs)
    expect([...seen.keys()]).toContain('Reconciling=True PullingImage')
  })
})

describe('an engine that refuses', () => {
  it.each([
    ['PortTaken', 'Bind for 127.0.0.1:9100 failed: port is already allocated'],
    ['NetworkMissing', 'network feedplane not found'],
  ])('is told in its own words: %s', async (reason, words) => {
    host().start = async () => {
      throw transient(reason, words)
    }
    const seen = await seenIn(10_000)
    expect([...seen.values()].join('\n')).toContain(words)
    expect(stage.events.map(event => event.message).join('\n')).toContain(reason)
  })
})

it('a feed that refuses what it is handed is told in its own words, and goes on', async () => {
  await stage.pass(minuteMs)
  const [feed] = stage.feeds()
  if (feed)
    feed.accept = () => {
      throw stalled('FeedRefused', '400 Bad Request: live.active: unknown account')
    }
  stage.edit({ active: 'backup' })
  await stage.pass(minuteMs)
  expect(stage.events).toContainEqual(
    expect.objectContaining({ reason: 'PushFailed', message: expect.stringContaining('FeedRefused') }),
  )
  expect(stage.feeds().filter(({ isPublishing }) => isPublishing)).toHaveLength(1)
})

it('a feed whose declaration is gone says that it is being removed, for as long as its host is away', async () => {
  await stage.pass(minuteMs)
  host().isAway = true
  stage.setDeclared(false)
  const seen = await seenIn(minuteMs)
  expect([...seen.keys()]).toContain('Reconciling=True Removing')
  host().isAway = false
  await stage.pass(minuteMs)
  expect(stage.workloads()).toEqual([])
  expect(stage.events.map(({ reason }) => reason)).toContain('Removed')
})
