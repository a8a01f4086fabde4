import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(minuteMs)
  expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  stage.writes.length = 0
  stage.events.length = 0
})
afterEach(() => stage.close())

const minuteMs = 60_000
const conditions = () =>
  Object.fromEntries((stage.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))
const reasons = () => stage.events.map(({ reason }) => reason)

async function isQuiet(): Promise<boolean> {
  const before = stage.writes.length
  await stage.pass(minuteMs)
  return stage.writes.length === before
}

async function stop(): Promise<void> {
  stage.edit({ state: 'Stopped' })
  await stage.pass(minuteMs)
}

describe('a feed that is declared Stopped', () => {
  it('is stopped once and kept, and says so', async () => {
    await stop()
    expect(stage.writes).toEqual(['stop sim-f-r1'])
    expect(stage.workloads()).toMatchObject([{ name: 'sim-f-r1', state: 'stopped' }])
    expect(conditions()).toMatchObject({ Ready: 'False Stopped', Stopped: 'True Declared' })
    expect(conditions()).not.toHaveProperty('Reconciling')
    expect(stage.status).toMatchObject({ phase: 'stopped', observedGeneration: 2, revision: 1 })
    expect(stage.status).not.toHaveProperty('endpoint')
    expect(reasons()).toEqual(['Stopping', 'Stopped'])
    expect(await isQuiet()).toBe(true)
    stage.crash()
    expect(await isQuiet()).toBe(true)
    expect(reasons()).toEqual(['Stopping', 'Stopped'])
  })

  it('publishes again from the same container, in a new epoch, when it is declared Running', async () => {
    const epoch = stage.status?.epoch ?? 0
    await stop()
    stage.edit({ state: 'Running' })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual(['stop sim-f-r1', 'write sim-f-r1', 'start sim-f-r1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(conditions()).not.toHaveProperty('Stopped')
    expect(stage.status?.epoch).toBeGreaterThan(epoch)
    expect(reasons()).toEqual(['Stopping', 'Stopped', 'Starting'])
  })

  it('is stopped again where somebody starts its container', async () => {
    await stop()
    await stage.workloads()[0]?.start()
    await stage.pass(minuteMs)
    expect(stage.running()).toEqual([])
    expect(reasons()).toEqual(['Stopping', 'Stopped', 'Repaired'])
    expect(conditions()).toMatchObject({ Stopped: 'True Declared' })
  })

  it('rolls nothing out: an edit meanwhile is rolled out with the start', async () => {
    await stop()
    stage.edit({ image: 'good-2' })
    expect(await isQuiet()).toBe(true)
    stage.edit({ state: 'Running' })
    await stage.pass(minuteMs)
    expect(stage.running()).toMatchObject([{ name: 'sim-f-r2' }])
    expect(stage.workloads()).toHaveLength(1)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  const moments = [0, 20, 300, 3000]
  it.each(moments)('%i ms into a rollout gives it up, and begins it anew with the start', async ms => {
    stage.edit({ image: 'slow' })
    await stage.pass(ms)
    await stop()
    expect(stage.running()).toEqual([])
    expect(stage.workloads()).toMatchObject([{ name: 'sim-f-r1' }])
    stage.edit({ state: 'Running' })
    await stage.pass(minuteMs)
    expect(stage.running()).toMatchObject([{ name: 'sim-f-r2' }])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('does not try a failed revision again because it is started', async () => {
    stage.edit({ image: 'crashes' })
    await stage.pass(minuteMs)
    await stop()
    expect(conditions()).not.toHaveProperty('RolledBack')
    stage.events.length = 0
    stage.edit({ state: 'Running' })
    await stage.pass(minuteMs)
    expect(reasons()).not.toContain('RolloutStarted')
    expect(stage.running()).toMatchObject([{ name: 'sim-f-r1' }])
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack' })
  })

  it('starts without the secrets and the image that its container has already', async () => {
    await stop()
    stage.secrets.values = undefined
    stage.present.clear()
    stage.registry.clear()
    stage.edit({ state: 'Running' })
    await stage.pass(minuteMs)
    expect(stage.running()).toMatchObject([{ name: 'sim-f-r1' }])
    expect(stage.feeds()[0]?.isPublishing).toBe(true)
  })

  it('is not called stopped while its host does not answer', async () => {
    for (const engine of stage.engines.values()) engine.isAway = true
    await stop()
    expect(conditions()).not.toHaveProperty('Stopped')
    expect(conditions().Ready).toMatch(/^Unknown/)
    for (const engine of stage.engines.values()) engine.isAway = false
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stopped: 'True Declared' })
  })

  it('is left as it is while it is suspended too', async () => {
    stage.edit({ state: 'Stopped', suspend: true })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([])
    expect(conditions()).toMatchObject({ Ready: 'Unknown Suspended' })
  })

  it('that was never started is stopped without being made', async () => {
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    stage.writes.length = 0
    stage.edit({ state: 'Stopped' })
    stage.setDeclared(true)
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([])
    expect(conditions()).toMatchObject({ Stopped: 'True Declared' })
  })

  it('leaves nothing when it is removed', async () => {
    await stop()
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.workloads()).toEqual([])
  })
})

describe('a drill on a feed that is declared Stopped', () => {
  it('is refused where somebody asks for it', async () => {
    stage.edit({ drill: {}, state: 'Stopped' })
    await stage.pass(minuteMs)
    stage.edit({ drillToken: '1' })
    await stage.pass(minuteMs)
    expect(stage.drillStatus?.last).toMatchObject({ verdict: 'refused', reason: 'FeedStopped' })
  })

  it('is left out where its time comes, which is no verdict', async () => {
    stage.edit({ drill: { schedule: '* * * * *', timeZone: 'Asia/Shanghai' }, state: 'Stopped' })
    await stage.pass(3 * minuteMs)
    expect(stage.drillStatus?.last).toBeUndefined()
    expect(reasons()).toContain('DrillSkipped')
  })

  it('that is under way ends, and the feed is stopped', async () => {
    stage.edit({ drill: { hold: '20s' }, drillToken: '1' })
    await stage.pass(5000)
    expect(stage.feeds()[0]?.gate?.account).toBe('backup')
    await stop()
    await stage.pass(minuteMs)
    expect(stage.running()).toEqual([])
    expect(stage.drillStatus?.last).toMatchObject({ verdict: 'aborted', reason: 'FeedEdited' })
    expect(stage.drillStatus?.run).toBeUndefined()
  })
})
