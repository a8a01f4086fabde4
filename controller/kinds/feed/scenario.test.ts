import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { transient } from '../../../crds/contract/fault.ts'
import { digestOf } from '../../simulation/engine.ts'
import { feedKey, type ImageName, imageReference, openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const minuteMs = 60_000
const runs = () => stage.running().map(({ name, image }) => `${name} ${image}`)
const conditions = () =>
  Object.fromEntries((stage.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))
const reasons = () => stage.events.map(({ reason }) => reason)
const epochOf = () => stage.feeds()[0]?.epoch

/** A further minute in which nothing may be written. */
async function isQuiet(): Promise<boolean> {
  const before = stage.writes.length
  await stage.pass(minuteMs)
  return stage.writes.length === before
}

async function serving(): Promise<void> {
  await stage.pass(minuteMs)
  expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  stage.writes.length = 0
  stage.events.length = 0
}

describe('a first rollout', () => {
  it('ends ready, and then writes nothing', async () => {
    await serving()
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).not.toHaveProperty('Reconciling')
    expect(stage.status).toMatchObject({
      observedGeneration: 1,
      revision: 1,
      lastGoodRevision: 1,
      image: digestOf('sim/good-1:1'),
    })
    expect(await isQuiet()).toBe(true)
  })

  const hopeless: [ImageName, string][] = [
    ['crashes', 'CrashLoop'],
    ['never-logs-in', 'ProgressDeadlineExceeded'],
    ['missing', 'ImageNotFound'],
    ['unstartable', 'StartFailed'],
    ['jammed', 'EngineError'],
  ]
  it.each(hopeless)('of an image that is %s is stalled as %s, quietly, and good once the image is', async (image, reason) => {
    stage.edit({ image })
    await stage.pass(2 * minuteMs)
    expect(conditions()).toMatchObject({ Ready: `False ${reason}`, Stalled: `True ${reason}` })
    expect(stage.status?.observedGeneration).toBe(2)
    expect(reasons().filter(name => name === 'RolloutFailed')).toHaveLength(1)
    expect(await isQuiet()).toBe(true)
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(stage.workloads()).toHaveLength(1)
  })

  it('that failed because its front was away becomes good by itself', async () => {
    stage.world.deadAccounts.add('primary')
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True ProgressDeadlineExceeded' })
    stage.world.deadAccounts.clear()
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(conditions()).not.toHaveProperty('Stalled')
    expect(stage.status).toMatchObject({ lastGoodRevision: 1 })
  })

  it('that failed for want of an image goes on when a retry is asked for and it is there', async () => {
    stage.edit({ image: 'missing' })
    await stage.pass(minuteMs)
    stage.registry.add(imageReference('missing'))
    expect(await isQuiet()).toBe(true)
    stage.edit({ retry: '1' })
    await stage.pass(minuteMs)
    expect(reasons()).toContain('RetryRequested')
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('leaves nothing behind when the feed is removed in the middle of it', async () => {
    stage.edit({ image: 'never-logs-in' })
    await stage.pass(3000)
    expect(runs()).toHaveLength(1)
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.workloads()).toEqual([])
    expect(stage.store.memory.feeds()).toEqual([])
  })
})

describe('an edit of the image', () => {
  beforeEach(serving)

  it('to a good one replaces the container, stopping the old before the new one starts', async () => {
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([
      'create sim-f-r2',
      'push',
      'stop sim-f-r1',
      'write sim-f-r2',
      'start sim-f-r2',
      'remove sim-f-r1',
    ])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  const bad: [ImageName, string][] = [
    ['crashes', 'CrashLoop'],
    ['never-logs-in', 'ProgressDeadlineExceeded'],
    ['missing', 'ImageNotFound'],
    ['unstartable', 'StartFailed'],
    ['jammed', 'EngineError'],
  ]
  it.each(bad)('to one that is %s rolls back as %s, is not tried again, and says so', async (image, reason) => {
    stage.edit({ image })
    await stage.pass(2 * minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.workloads()).toHaveLength(1)
    expect(conditions()).toMatchObject({ Ready: 'False RolledBack', Stalled: 'True RolledBack', RolledBack: `True ${reason}` })
    expect(stage.status).toMatchObject({ observedGeneration: 2, revision: 1, targetRevision: 2, failedRevision: 2 })
    expect(reasons().filter(name => name === 'RolledBack')).toHaveLength(1)
    expect(await isQuiet()).toBe(true)
  })

  it('back to what serves ends the rolled-back state, and the same edit again is a new try', async () => {
    stage.edit({ image: 'crashes' })
    await stage.pass(minuteMs)
    stage.edit({ image: 'good-1' })
    await stage.pass(1000)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(conditions()).not.toHaveProperty('RolledBack')
    stage.events.length = 0
    stage.edit({ image: 'crashes' })
    await stage.pass(minuteMs)
    expect(reasons()).toContain('RolloutStarted')
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
  })

  it('is tried once more for a token, and for each token once', async () => {
    stage.edit({ image: 'crashes' })
    await stage.pass(minuteMs)
    stage.events.length = 0
    stage.edit({ retry: 'again' })
    await stage.pass(minuteMs)
    expect(reasons().filter(name => name === 'RolloutStarted')).toHaveLength(1)
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
    expect(await isQuiet()).toBe(true)
  })

  it('stays with the failed one where no automatic rollback is wanted, until it is wanted', async () => {
    stage.edit({ image: 'never-logs-in', autoRollback: false })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/never-logs-in:1'])
    expect(conditions()).toMatchObject({ Stalled: 'True ProgressDeadlineExceeded' })
    expect(await isQuiet()).toBe(true)
    stage.edit({ autoRollback: true })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
  })

  it('to a missing one, without automatic rollback, leaves what serves in full care', async () => {
    stage.edit({ image: 'missing', autoRollback: false })
    await stage.pass(minuteMs)
    stage.edit({ active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.feeds()[0]?.gate?.account).toBe('backup')
    await stage.engines.get('sim/h1')?.remove('sim-f-r1', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })

  const moments = [0, 20, 300, 3000]
  it.each(moments)('that is taken back after %i ms leaves one publisher, ready', async ms => {
    stage.edit({ image: 'slow' })
    await stage.pass(ms)
    stage.edit({ image: 'good-1' })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.workloads()).toHaveLength(1)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(stage.status?.phase).toBeUndefined()
    expect(await isQuiet()).toBe(true)
  })

  it('that mends a bad one is not held up by a way back that cannot finish', async () => {
    stage.edit({ image: 'crashes' })
    await stage.pass(1000)
    await stage.engines.get('sim/h1')?.remove('sim-f-r1', AbortSignal.timeout(1000))
    stage.present.delete(imageReference('good-1'))
    stage.registry.delete(imageReference('good-1'))
    await stage.pass(minuteMs)
    expect(conditions().Ready).not.toMatch(/^True/)
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(runs()).toEqual(['sim-f-r3 sim/good-2:1'])
  })

  it('waits out an engine that is away without counting that time', async () => {
    stage.edit({ image: 'slow' })
    await stage.pass(500)
    for (const engine of stage.engines.values()) engine.isAway = true
    await stage.pass(10 * minuteMs)
    for (const engine of stage.engines.values()) engine.isAway = false
    await stage.pass(minuteMs)
    expect(reasons()).not.toContain('RolloutFailed')
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it.each(['Recreate', 'Handover'] as const)(
    'by %s stays good for `minHealthy`, however long beyond the deadline of its proof',
    async strategy => {
      stage.edit({ strategy, minHealthy: '40s', image: 'good-2' })
      await stage.pass(minuteMs)
      expect(reasons()).not.toContain('RolloutFailed')
      expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
      expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    },
  )

  it('pauses while suspended, and its deadline with it', async () => {
    stage.edit({ image: 'slow' })
    await stage.pass(500)
    stage.edit({ suspend: true })
    await stage.pass(10 * minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'Unknown Suspended' })
    stage.edit({ suspend: false })
    await stage.pass(minuteMs)
    expect(reasons()).not.toContain('RolloutFailed')
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it.each(['Recreate', 'Handover'] as const)(
    'waits by %s for a name that a stranger has, whatever that takes, and goes on by itself when it is free',
    async strategy => {
      stage.engines.get('sim/h1')?.addStranger('sim-f-r2')
      stage.edit({ image: 'good-2', strategy })
      await stage.pass(10 * minuteMs)
      expect(conditions()).toMatchObject({ Stalled: 'True NameTaken', Ready: 'False NameTaken' })
      expect(conditions().RolledBack).toBeUndefined()
      expect(stage.status).toMatchObject({ revision: 1, targetRevision: 2 })
      expect(stage.status?.failedRevision).toBeUndefined()
      expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
      expect(await isQuiet()).toBe(true)
      stage.edit({ active: 'backup' })
      await stage.pass(minuteMs)
      expect(stage.feeds()[0]?.gate?.account, 'what serves is looked after meanwhile').toBe('backup')
      stage.engines.get('sim/h1')?.workloads.delete('sim-f-r2')
      await stage.pass(minuteMs)
      expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
      expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    },
  )

  it('names at once why a pull failed that is tried again, and goes on when it succeeds', async () => {
    const engine = stage.engines.get('sim/h1')
    const pull = engine?.pullImage
    if (!engine || !pull) throw new Error('there is no engine')
    engine.pullImage = async () => {
      throw transient('ImagePullFailed', 'the registry is down')
    }
    stage.edit({ image: 'good-2' })
    await stage.pass(1500)
    for (let look = 0; look < 20; look++) {
      expect(conditions()).toMatchObject({ Reconciling: 'True ImagePullFailed', Ready: 'Unknown ImagePullFailed' })
      await stage.pass(900)
    }
    engine.pullImage = pull
    stage.edit({ retry: 'now' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('waits for the name of a first revision, longer than its deadline', async () => {
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    for (const number of [1, 2, 3]) stage.engines.get('sim/h1')?.addStranger(`sim-f-r${number}`)
    stage.setDeclared(true)
    await stage.pass(10 * minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True NameTaken' })
    for (const number of [1, 2, 3]) stage.engines.get('sim/h1')?.workloads.delete(`sim-f-r${number}`)
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })
})

describe('a revision that the running process takes over', () => {
  beforeEach(serving)

  it('needs one push, no new process and no new epoch', async () => {
    const epoch = epochOf()
    stage.edit({ instruments: 3 })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual(['push'])
    expect(epochOf()).toBe(epoch)
    expect(stage.status).toMatchObject({ revision: 2, container: 'sim-f-r1', subscriptions: { acknowledged: 3 } })
  })

  it('is not judged by restarts of long ago', async () => {
    for (let i = 0; i < 4; i++) {
      stage.running()[0]?.kill()
      await stage.pass(minuteMs)
    }
    stage.events.length = 0
    stage.edit({ instruments: 3 })
    stage.world.isMute = true
    await stage.pass(1000)
    stage.world.isMute = false
    await stage.pass(minuteMs)
    expect(reasons()).not.toContain('RolloutFailed')
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('goes back the same way where it does not prove itself', async () => {
    stage.edit({ instruments: 3 })
    stage.world.deadAccounts.add('primary').add('backup')
    await stage.pass(minuteMs)
    stage.world.deadAccounts.clear()
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
    expect(stage.feeds()[0]?.desired.revision).toBe(1)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(await isQuiet()).toBe(true)
  })
})

describe('an edit of the active account', () => {
  beforeEach(serving)

  it('is one push in a new epoch', async () => {
    const epoch = epochOf() ?? 0
    stage.edit({ active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual(['push'])
    expect(epochOf()).toBe(epoch + 1)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing', FailedOver: 'True Declared' })
  })

  it('to an account that is not live waits for it without pushing again, and is not ready until then', async () => {
    stage.world.deadAccounts.add('backup')
    stage.edit({ active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual(['push'])
    expect(conditions()).toMatchObject({ Ready: 'Unknown FailoverPending' })
    stage.edit({ active: 'primary' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('goes through while another edit cannot be carried out', async () => {
    stage.edit({ set: 'missing', active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.feeds()[0]?.gate?.account).toBe('backup')
    expect(conditions()).toMatchObject({ Stalled: 'True SubscriptionSetNotFound' })
    expect(await isQuiet()).toBe(true)
  })

  it('together with a new account that does not work goes back to the account that the last good revision knows', async () => {
    stage.edit({ backup: false })
    await stage.pass(minuteMs)
    stage.world.deadAccounts.add('backup')
    stage.edit({ backup: true, active: 'backup' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
    expect(stage.feeds()[0]?.isPublishing).toBe(true)
    expect(await isQuiet()).toBe(true)
  })
})

describe("the watchdog's choice", () => {
  beforeEach(async () => {
    await serving()
    stage.feeds()[0]?.flip()
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ FailedOver: 'True Watchdog', Ready: 'True DataFlowing' })
    expect(reasons()).toContain('FailedOverByWatchdog')
    expect(stage.writes).toEqual([])
  })

  it('holds through new instruments', async () => {
    stage.edit({ instruments: 3 })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual(['push'])
    expect(stage.status).toMatchObject({ active: 'backup', activeReason: 'Override', revision: 2 })
    expect(await isQuiet()).toBe(true)
  })

  it('holds through a new image and a restart', async () => {
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    await stage.running()[0]?.stop()
    await stage.pass(minuteMs)
    expect(stage.status).toMatchObject({ active: 'backup', activeReason: 'Override', revision: 2 })
    stage.edit({ failbackToken: '1' })
    await stage.pass(minuteMs)
    expect(stage.status).toMatchObject({ active: 'primary', activeReason: 'Declared', requests: { failback: '1' } })
  })

  it('leaves room for an epoch that nobody saw it take', async () => {
    const [feed] = stage.feeds()
    feed?.flip()
    const unseen = feed?.epoch ?? 0
    await stage.engines.get('sim/h1')?.remove('sim-f-r1', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(epochOf()).toBeGreaterThan(unseen)
  })

  it('ends with a token, even where the feed cannot be told at once', async () => {
    stage.world.isMute = true
    stage.edit({ failbackToken: '1' })
    await stage.pass(minuteMs)
    expect(stage.status?.requests).toBeUndefined()
    stage.world.isMute = false
    await stage.pass(minuteMs)
    expect(stage.status).toMatchObject({ active: 'primary', requests: { failback: '1' } })
    expect(reasons()).toContain('OverrideEnded')
    expect(reasons()).not.toContain('FailbackIgnored')
    expect(await isQuiet()).toBe(true)
  })

  it('ends with an edit of credentials, whichever account that names', async () => {
    stage.edit({ active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.status).toMatchObject({ active: 'backup', activeReason: 'Declared' })
    expect(await isQuiet()).toBe(true)
  })

  it('ends by itself with failback auto, once the declared account has been live for five minutes', async () => {
    stage.edit({ failback: 'auto' })
    await stage.pass(minuteMs)
    expect(stage.status).toMatchObject({ active: 'primary' })
    stage.feeds()[0]?.flip()
    await stage.pass(4 * minuteMs)
    expect(stage.status).toMatchObject({ active: 'backup', activeReason: 'Override' })
    await stage.pass(2 * minuteMs)
    expect(stage.status).toMatchObject({ active: 'primary', activeReason: 'Declared' })
  })
})

describe('drift', () => {
  beforeEach(serving)
  const h1 = () => stage.engines.get('sim/h1')
  const drifts: [string, () => Promise<unknown> | undefined][] = [
    ['removed', () => h1()?.remove('sim-f-r1', AbortSignal.timeout(1000))],
    ['stopped', () => h1()?.stop('sim-f-r1', AbortSignal.timeout(1000))],
    ['renamed', () => h1()?.rename('sim-f-r1', 'elsewhere', AbortSignal.timeout(1000))],
  ]
  it.each(drifts)('of a container that was %s is repaired once, with a reason', async (_name, drift) => {
    await drift()
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.workloads()).toHaveLength(1)
    expect(reasons()).toEqual(['Repaired'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(await isQuiet()).toBe(true)
  })

  it('is repaired where the controller died between making the container and starting it', async () => {
    await h1()?.remove('sim-f-r1', AbortSignal.timeout(1000))
    stage.dieAt(1, 'after')
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(await isQuiet()).toBe(true)
  })

  it('is repaired although the image was pruned', async () => {
    stage.present.clear()
    await h1()?.remove('sim-f-r1', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })

  it('that gave the name to a stranger is a condition, and nothing is written', async () => {
    await h1()?.remove('sim-f-r1', AbortSignal.timeout(1000))
    h1()?.addStranger('sim-f-r1')
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True NameTaken' })
    expect(stage.writes).toEqual([])
    h1()?.workloads.delete('sim-f-r1')
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('that took it from its network is put right without a restart', async () => {
    const [workload] = stage.workloads()
    if (!workload) throw new Error('nothing runs')
    workload.isDisconnected = true
    h1()?.changed(workload.name)
    await stage.pass(5000)
    expect(stage.writes).toEqual(['connect sim-f-r1'])
    expect(stage.workloads()).toEqual([workload])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(reasons()).toContain('Repaired')
  })

  it('of the old container during a rollout never leaves two publishers', async () => {
    stage.edit({ image: 'never-logs-in' })
    await stage.pass(3000)
    stage
      .workloads()
      .find(({ name }) => name === 'sim-f-r1')
      ?.start()
    h1()?.changed('sim-f-r1')
    await stage.pass(100)
    expect(runs()).toEqual(['sim-f-r2 sim/never-logs-in:1'])
  })

  it('of what serves is repaired while the next image is on its way', async () => {
    stage.edit({ image: 'missing', autoRollback: false })
    await stage.pass(100)
    await h1()?.stop('sim-f-r1', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })
})

describe('a host', () => {
  beforeEach(serving)

  it('that the feed moves to takes it over, and the one before is left empty', async () => {
    stage.edit({ host: 'h2' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(stage.engines.get('sim/h1')?.workloads.size).toBe(0)
    expect(stage.running()).toHaveLength(1)
  })

  it('that a superseded move had begun on is left empty too', async () => {
    stage.edit({ host: 'h2', image: 'never-logs-in' })
    await stage.pass(3000)
    stage.edit({ host: 'h1', image: 'good-1' })
    await stage.pass(minuteMs)
    expect(stage.engines.get('sim/h2')?.workloads.size).toBe(0)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })

  it('that does not answer does not keep the feed elsewhere from failing over', async () => {
    const h2 = stage.engines.get('sim/h2')
    if (h2) h2.isAway = true
    stage.edit({ host: 'h2', active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.feeds()[0]?.gate?.account).toBe('backup')
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })

  describe('that does not answer and may only hold left-overs', () => {
    beforeEach(async () => {
      stage.edit({ host: 'h2', image: 'never-logs-in', strategy: 'Handover' })
      await stage.pass(3000)
      const h2 = stage.engines.get('sim/h2')
      if (h2) h2.isAway = true
    })

    it('does not slow the feed elsewhere', async () => {
      stage.edit({ host: 'h1', image: 'slow' })
      await stage.pass(2000)
      expect(stage.status?.phase).toBe('rehearsing')
      expect(await stage.look()).toEqual({ type: 'after', delayMs: 250 })
      await stage.pass(minuteMs)
      expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
      expect(await stage.look()).toEqual({ type: 'done' })
    })

    it.each(['never-logs-in', 'crashes', 'unstartable'] as const)(
      'does not keep one that is %s from being rolled back',
      async image => {
        stage.edit({ host: 'h1', image, strategy: 'Recreate' })
        await stage.pass(2 * minuteMs)
        expect(reasons()).toContain('RolledBack')
        expect(runs()).toContain('sim-f-r1 sim/good-1:1')
        expect(stage.feeds().filter(({ gate }) => gate)).toHaveLength(1)
      },
    )
  })

  it('that is gone for good lets the feed move once it is no longer declared, and is cleaned when it comes back', async () => {
    const h1 = stage.engines.get('sim/h1')
    if (h1) h1.isAway = true
    stage.edit({ host: 'h2' })
    await stage.pass(minuteMs)
    expect(stage.engines.get('sim/h2')?.workloads.size).toBe(0)
    stage.declaredHosts.delete('h1')
    stage.redeclare()
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    if (h1) h1.isAway = false
    await stage.pass(minuteMs)
    expect(h1?.workloads.size).toBe(0)
  })

  it('that is removed together with its feed is left empty, even by a controller that was restarted', async () => {
    stage.crash()
    stage.declaredHosts.delete('h1')
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.workloads()).toEqual([])
    expect(stage.store.memory.feeds()).toEqual([])
  })

  it.each(['moved away', 'was deleted'])('on which a creation comes after all, when the feed %s, is left empty', async fate => {
    const h1 = stage.engines.get('sim/h1')
    const [late] = stage.workloads()
    if (fate === 'moved away') stage.edit({ host: 'h2' })
    else stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(h1?.workloads.size).toBe(0)
    if (late) await h1?.create(late.spec, AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(h1?.workloads.size).toBe(0)
    expect(await isQuiet()).toBe(true)
  })
})

describe('a pinned revision', () => {
  beforeEach(async () => {
    await serving()
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
  })

  it('runs exactly as it was, and the declared inputs again once the pin is gone', async () => {
    stage.edit({ revision: 1 })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    stage.edit({ revision: undefined })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
  })

  it('is not barred by a mistake in what it replaces', async () => {
    stage.edit({ set: 'missing', revision: 1 })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('that is not kept is a condition that names those that are', async () => {
    stage.edit({ revision: 7 })
    await stage.pass(minuteMs)
    expect(stage.condition('Stalled')).toMatchObject({ reason: 'RevisionNotFound', message: expect.stringContaining('1, 2') })
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
  })
})

describe('secrets', () => {
  beforeEach(serving)

  it('that change need a new process', async () => {
    stage.secrets.values = { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'other' }
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-1:1'])
  })

  it('that vanish leave what runs alone, and say so', async () => {
    stage.secrets.values = undefined
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True SecretMissing', CredentialsReady: 'False SecretMissing' })
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(await isQuiet()).toBe(true)
  })
})

describe('history', () => {
  it('keeps as many revisions as declared, and never forgets the one that serves', async () => {
    await serving()
    for (const instruments of [2, 3, 4, 5, 1, 2, 3]) {
      stage.edit({ instruments, image: instruments % 2 === 0 ? 'good-2' : 'good-1' })
      await stage.pass(minuteMs)
    }
    const kept = stage.store.revisions.list(feedKey).map(({ number }) => number)
    expect(kept.length).toBeLessThanOrEqual(4)
    expect(kept).toContain(stage.status?.revision)
  })

  it('gives a feed that is declared again a higher epoch than it ever had', async () => {
    await serving()
    stage.edit({ active: 'backup' })
    await stage.pass(minuteMs)
    const epoch = epochOf() ?? 0
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    stage.setDeclared(true)
    await stage.pass(minuteMs)
    expect(epochOf()).toBeGreaterThan(epoch)
  })
})

describe('kill -9 of the controller', () => {
  const writes = Array.from({ length: 6 }, (_, index) => index + 1)
  const deaths = writes.flatMap(count => [[count, 'before'] as const, [count, 'after'] as const])
  it.each(deaths)('at write %i of a replacement, %s it took effect, ends in the same state', async (count, when) => {
    await serving()
    stage.edit({ image: 'good-2' })
    stage.dieAt(count, when)
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(stage.workloads()).toHaveLength(1)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(await isQuiet()).toBe(true)
  })

  it.each(deaths)('at write %i of a rollback, %s it took effect, ends in the same state', async (count, when) => {
    await serving()
    stage.edit({ image: 'crashes' })
    await stage.pass(30)
    stage.dieAt(count, when)
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.workloads()).toHaveLength(1)
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
    expect(await isQuiet()).toBe(true)
  })

  it('writes nothing after a restart where nothing changed', async () => {
    await serving()
    stage.crash()
    expect(await isQuiet()).toBe(true)
  })
})

describe('a group that falls silent in session', () => {
  beforeEach(serving)

  const silent = [
    { group: 'SHFE/21:00-02:30', since: 1_700_000_000_000 },
    { group: 'CFFEX/09:30-15:00', since: 1_700_000_060_000 },
  ]

  it('makes the feed not Ready, names it with its time, and changes no more', async () => {
    const [feed] = stage.feeds()
    if (feed) feed.silentGroups = silent
    await stage.pass(minuteMs)
    expect(stage.condition('Ready')).toMatchObject({
      ...{ status: 'False', reason: 'GroupSilent' },
      message:
        'in session, and no tick of SHFE/21:00-02:30 since 2023-11-14T22:13:20.000Z, CFFEX/09:30-15:00 since 2023-11-14T22:14:20.000Z',
    })
    const before = stage.status
    await stage.pass(10 * minuteMs)
    expect(stage.status?.conditions).toEqual(before?.conditions)
    expect(conditions()).not.toHaveProperty('Stalled')
    expect(await isQuiet()).toBe(true)
    if (feed) feed.silentGroups = undefined
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('takes no revision back', async () => {
    const [feed] = stage.feeds()
    if (feed) feed.silentGroups = silent
    stage.edit({ instruments: 2 })
    await stage.pass(minuteMs)
    expect(stage.status).toMatchObject({ revision: 2, lastGoodRevision: 2 })
    expect(conditions()).toMatchObject({ Ready: 'False GroupSilent' })
  })
})
