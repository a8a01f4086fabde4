import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stalled, transient } from '../../../crds/contract/fault.ts'
import type { SimulatedEngine } from '../../simulation/engine.ts'
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

describe('a step that fails', () => {
  beforeEach(async () => {
    await stage.pass(minuteMs)
    stage.events.length = 0
  })

  type Method = 'create' | 'start' | 'stop' | 'rename' | 'remove' | 'connect' | 'releaseNetwork'
  const told = (reason: string, cause: string) =>
    expect(stage.events).toContainEqual(
      expect.objectContaining({ type: 'Warning', reason, message: expect.stringMatching(`^${cause}: `) }),
    )
  const isDone = async (reason: string) => {
    await stage.pass(minuteMs)
    stage.events.length = 0
    await stage.pass(minuteMs)
    expect(stage.events.map(event => event.reason)).not.toContain(reason)
    expect(stage.condition('Ready')?.status).toBe(stage.isDeclared ? 'True' : undefined)
  }
  const steps: [reason: string, cause: string, method: Method, asked: () => unknown][] = [
    ['CreateFailed', 'AlreadyExists', 'create', () => stage.edit({ image: 'good-2' })],
    ['StartFailed', 'PortTaken', 'start', () => stage.edit({ image: 'good-2' })],
    ['StopFailed', 'EngineTimeout', 'stop', () => stage.edit({ image: 'good-2' })],
    ['RenameFailed', 'Conflict', 'rename', () => rename('sim-f-r1', 'mine')],
    ['RemoveFailed', 'RemovalInProgress', 'remove', () => stage.edit({ image: 'good-2' })],
    ['ConnectFailed', 'NetworkMissing', 'connect', disconnect],
    ['ReleaseNetworkFailed', 'EngineError', 'releaseNetwork', () => stage.setDeclared(false)],
  ]
  it.each(steps)('is told as %s, with its cause, and tried again', async (reason, cause, method, asked) => {
    const whole: SimulatedEngine[Method] = host()[method]
    await asked()
    Object.assign(host(), { [method]: async () => Promise.reject(transient(cause, 'not now')) })
    await stage.pass(5000)
    told(reason, cause)
    Object.assign(host(), { [method]: whole })
    await isDone(reason)
  })

  it('because the host was declared with other settings in this moment is told as PullImageFailed, and tried again', async () => {
    const { findImage } = host()
    host().findImage = async () => {
      stage.spoilHosts(stalled('EngineInUse', 'another controller runs its feeds there'))
      return undefined
    }
    stage.edit({ image: 'good-2' })
    await stage.pass(1000)
    told('PullImageFailed', 'EngineInUse')
    host().findImage = findImage
    stage.mendHosts()
    await isDone('PullImageFailed')
  })

  it('between the two processes of a handover is told as MoveGateFailed, and tried again', async () => {
    stage.edit({ strategy: 'Handover', image: 'good-2' })
    await stage.pass(5000, () => {
      for (const feed of muted())
        feed.takePosition = () => {
          throw transient('FeedUnreachable', 'it does not answer')
        }
    })
    told('MoveGateFailed', 'FeedUnreachable')
    for (const feed of muted()) Reflect.deleteProperty(feed, 'takePosition')
    await isDone('MoveGateFailed')
  })

  it('because secrets were rotated while the container was made is told as SecretsChanged, and tried again with the new ones', async () => {
    const { findImage } = host()
    host().findImage = (reference, signal) => {
      stage.secrets.values = { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'rotated' }
      return findImage(reference, signal)
    }
    await host().remove('sim-f-r1', AbortSignal.timeout(1000))
    await stage.pass(5000)
    told('CreateFailed', 'SecretsChanged')
    await isDone('CreateFailed')
    expect([...(stage.workloads()[0]?.files.values() ?? [])]).toContain('rotated')
  })

  const rename = (from: string, to: string) => host().rename(from, to, AbortSignal.timeout(1000))
  const muted = () => stage.feeds().filter(feed => feed.desired.live.role === 'standby')
  function disconnect(): void {
    const [workload] = stage.workloads()
    if (workload) workload.isDisconnected = true
    host().changed('sim-f-r1')
  }
})

it('an image that the host does not have and may not pull is named, and what serves goes on', async () => {
  await stage.pass(minuteMs)
  stage.edit({ image: 'good-2', imagePullPolicy: 'Never' })
  await stage.pass(minuteMs)
  expect(stage.condition('RolledBack')).toMatchObject({ status: 'True', reason: 'ImageNotPresent' })
  expect(stage.feeds().filter(({ isPublishing }) => isPublishing)).toHaveLength(1)
})

it('a standby that is worse than the one before keeps a new process from taking over, and is named', async () => {
  await stage.pass(minuteMs)
  stage.edit({ strategy: 'Handover', image: 'good-2' })
  const seen = new Set<string>()
  await stage.pass(minuteMs, () => {
    stage.feeds().at(1)?.locked.add('backup')
    seen.add(stage.condition('Reconciling')?.message ?? '')
  })
  expect([...seen].join('\n')).toContain('backup, the standby: locked')
  expect(stage.condition('RolledBack')?.message).toContain('not proven within 20s: StandbyBehind: backup')
  expect(stage.feeds().map(({ workload }) => workload.name)).toEqual(['sim-f-r1'])
})

it('a rollout that is taken back in the middle of a handover leaves the feed NotObserved until it is looked at again', async () => {
  await stage.pass(minuteMs)
  stage.edit({ strategy: 'Handover', image: 'good-2' })
  while (stage.status?.phase !== 'settling') await stage.pass(5)
  stage.edit({ image: 'good-1' })
  const seen = await seenIn(minuteMs)
  expect(seen.get('Ready=Unknown NotObserved')).toBe('what is to serve was not looked at yet')
  expect(stage.condition('Ready')).toMatchObject({ status: 'True', reason: 'DataFlowing' })
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
