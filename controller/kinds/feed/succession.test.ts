import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { feedKey, type ImageName, openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
/** The newest tick of the market when the handover was asked for. */
let from: number

const minuteMs = 60_000
const clean = { lost: 0, untold: 0, doubled: 0, stale: 0 }

beforeEach(async () => {
  stage = await openStage()
  stage.edit({ strategy: 'Handover' })
  await stage.pass(minuteMs)
  expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  stage.writes.length = 0
  stage.events.length = 0
  from = stage.bus.newest
})
afterEach(() => stage.close())

const conditions = () =>
  Object.fromEntries((stage.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))
const reasons = () => stage.events.map(({ reason }) => reason)
const runs = () => stage.running().map(({ name, image }) => `${name} ${image}`)
const memory = () => stage.store.memory.get(feedKey)
const phase = () => memory()?.rollout?.phase

/** What a consumer saw, up to now. */
function complaints() {
  for (const feed of stage.feeds()) feed.report()
  return stage.bus.complaints(from)
}

async function toPhase(wanted: string): Promise<void> {
  for (let i = 0; phase() !== wanted && i < 4000; i++) await stage.pass(5)
  expect(phase()).toBe(wanted)
}

/** Until the controller is dead; its successor has not begun. */
async function dies(point: string): Promise<void> {
  stage.dieAtPoint(point)
  for (let i = 0; stage.deaths === 0 && i < 4000; i++) {
    stage.clock.goTo(stage.clock.now() + 5)
    await stage.pass(0)
  }
  expect(stage.deaths).toBe(1)
}

async function isQuiet(): Promise<boolean> {
  const before = stage.writes.length
  await stage.pass(minuteMs)
  return stage.writes.length === before
}

describe('a handover', () => {
  it('proves the new process muted, passes the gate, and removes the old one last', async () => {
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([
      'create sim-f-r2',
      'write sim-f-r2',
      'start sim-f-r2',
      'position',
      'push',
      'position',
      'push',
      'remove sim-f-r1',
    ])
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(reasons()).toEqual(['RolloutStarted', 'ProvenMuted', 'RolloutComplete'])
    expect(complaints()).toEqual(clean)
    expect(await isQuiet()).toBe(true)
  })

  it('opens the new gate in the next epoch, and no other', async () => {
    const before = memory()?.epoch ?? 0
    stage.edit({ image: 'slow' })
    await stage.pass(minuteMs)
    complaints()
    expect(new Set(stage.bus.published.filter(({ tick }) => tick > from).map(({ epoch }) => epoch))).toEqual(
      new Set([before, before + 1]),
    )
  })

  const hopeless: [ImageName, string][] = [
    ['crashes', 'CrashLoop'],
    ['never-logs-in', 'ProgressDeadlineExceeded'],
    ['missing', 'ImageNotFound'],
    ['unstartable', 'StartFailed'],
    ['jammed', 'ProgressDeadlineExceeded'],
  ]
  it.each(hopeless)('to an image that is %s fails as %s, and the old process never notices', async (image, reason) => {
    const [old] = stage.feeds()
    const epoch = old?.epoch
    stage.edit({ image })
    await stage.pass(2 * minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.workloads()).toHaveLength(1)
    expect(stage.feeds()).toEqual([old])
    expect(old?.epoch).toBe(epoch)
    expect(stage.writes).not.toContain('push')
    expect(conditions()).toMatchObject({ Ready: 'False RolledBack', RolledBack: `True ${reason}` })
    expect(complaints()).toEqual(clean)
    expect(await isQuiet()).toBe(true)
  })

  it('of a process that ends after its promotion gives the gate back to the old one, which ran on', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('settling')
    await stage.pass(500)
    const old = stage.feeds().find(({ workload }) => workload.name === 'sim-f-r1')
    await stage.engines.get('sim/h1')?.stop('sim-f-r2', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.feeds()).toEqual([old])
    expect(conditions()).toMatchObject({ Stalled: 'True RolledBack', RolledBack: 'True SuccessorLost' })
    expect(complaints()).toMatchObject({ untold: 0, doubled: 0, stale: 0 })
    expect(await isQuiet()).toBe(true)
  })

  it('of a process that loses its front after its promotion gives the gate back with its position', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('settling')
    stage
      .feeds()
      .find(({ workload }) => workload.name === 'sim-f-r2')
      ?.locked.add('primary')
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ RolledBack: 'True ProgressDeadlineExceeded' })
    expect(complaints()).toMatchObject({ doubled: 0, stale: 0 })
  })

  it('that is taken back while it settles loses nothing on either way', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('settling')
    stage.edit({ image: 'good-1' })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(complaints()).toEqual(clean)
    expect(await isQuiet()).toBe(true)
  })

  it('that is overtaken by another edit while it settles ends with the newest, and loses nothing', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('settling')
    stage.edit({ image: 'slow' })
    await stage.pass(2 * minuteMs)
    expect(runs()).toEqual(['sim-f-r3 sim/slow:1'])
    expect(complaints()).toEqual(clean)
  })

  it('goes on to the end where its old process is gone while it settles', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('settling')
    await stage.engines.get('sim/h1')?.remove('sim-f-r1', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(complaints()).toEqual(clean)
  })

  it('fences an old process that does not answer before the new one publishes', async () => {
    stage.edit({ image: 'slow' })
    await toPhase('rehearsing')
    const old = stage.feeds().find(({ workload }) => workload.name === 'sim-f-r1')
    stage.world.running.delete(`sim://${old?.workload.id}`)
    await stage.pass(minuteMs)
    expect(stage.writes).toContain('stop sim-f-r1')
    expect(runs()).toEqual(['sim-f-r2 sim/slow:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('keeps a failover by the watchdog in the same moment out of its epoch', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('rehearsing')
    await dies('promoting')
    stage
      .feeds()
      .find(({ workload }) => workload.name === 'sim-f-r1')
      ?.flip()
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(stage.feeds()[0]?.gate?.account).toBe('backup')
    const who = new Map<number, Set<string>>()
    complaints()
    for (const { epoch, workload } of stage.bus.published) who.set(epoch, (who.get(epoch) ?? new Set()).add(workload))
    expect([...who.values()].every(({ size }) => size === 1)).toBe(true)
  })

  it('follows a failover that is declared meanwhile, in both processes', async () => {
    stage.edit({ image: 'slow' })
    await toPhase('rehearsing')
    stage.edit({ active: 'backup' })
    await stage.pass(200)
    expect(stage.feeds().map(({ active }) => active)).toEqual(['backup', 'backup'])
    await stage.pass(minuteMs)
    expect(stage.feeds().map(({ gate }) => gate?.account)).toEqual(['backup'])
    expect(runs()).toEqual(['sim-f-r2 sim/slow:1'])
  })

  it('finishes moving the gate where the feed is suspended meanwhile', async () => {
    stage.edit({ image: 'good-2' })
    await dies('promoting/closed')
    expect(stage.feeds().some(feed => feed.isPublishing)).toBe(false)
    stage.edit({ suspend: true })
    await stage.pass(1000)
    expect(stage.feeds().filter(feed => feed.isPublishing)).toHaveLength(1)
  })

  it('moves a feed to another host', async () => {
    stage.edit({ host: 'h2' })
    await stage.pass(minuteMs)
    expect([...(stage.engines.get('sim/h2')?.workloads.keys() ?? [])]).toEqual(['sim-f-r2'])
    expect([...(stage.engines.get('sim/h1')?.workloads.keys() ?? [])]).toEqual([])
    expect(complaints()).toEqual(clean)
  })

  it('is none where a live push suffices', async () => {
    stage.edit({ instruments: 3 })
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual(['push'])
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })

  it('joins an old process to its network again that was taken from it, when it shall publish again', async () => {
    stage.edit({ image: 'good-2' })
    await toPhase('settling')
    for (const workload of stage.workloads()) workload.isDisconnected = workload.name === 'sim-f-r1'
    stage.edit({ image: 'good-1' })
    stage.writes.length = 0
    await stage.pass(minuteMs)
    expect(stage.writes).not.toContain('stop sim-f-r1')
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })

  it('leaves the new one muted beside what serves where no automatic rollback is wanted', async () => {
    stage.edit({ image: 'never-logs-in', autoRollback: false })
    await stage.pass(minuteMs)
    expect(runs()).toHaveLength(2)
    expect(stage.feeds().filter(feed => feed.isPublishing)).toHaveLength(1)
    expect(conditions()).toMatchObject({ Stalled: 'True ProgressDeadlineExceeded' })
    expect(await isQuiet()).toBe(true)
    stage.edit({ autoRollback: true })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
  })
})

describe('without automatic rollback', () => {
  beforeEach(() => stage.edit({ autoRollback: false, image: 'good-2' }))

  it('a process that is stopped after its promotion is started again, and the old one stays muted', async () => {
    await toPhase('settling')
    await stage.engines.get('sim/h1')?.stop('sim-f-r2', AbortSignal.timeout(1000))
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(complaints()).toMatchObject({ doubled: 0, stale: 0 })
  })

  it('a retry for one that is stuck after its promotion never makes two publishers', async () => {
    await toPhase('settling')
    const successor = stage.feeds().find(({ workload }) => workload.name === 'sim-f-r2')
    successor?.locked.add('primary')
    await stage.pass(30_000)
    expect(conditions()).toMatchObject({ Stalled: expect.any(String) })
    stage.edit({ retry: 'again' })
    for (let i = 0; i < 400; i++) {
      await stage.pass(50)
      expect(stage.feeds().filter(({ desired }) => desired.live.role === 'publisher').length).toBeLessThanOrEqual(1)
    }
  })

  it('a gate that nobody has is given back all the same', async () => {
    await dies('promoting/closed')
    stage
      .feeds()
      .find(({ workload }) => workload.name === 'sim-f-r2')
      ?.locked.add('primary')
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ RolledBack: 'True PromotionFailed' })
    expect(stage.feeds().filter(feed => feed.isPublishing)).toHaveLength(1)
  })
})

describe('a controller that is killed', () => {
  const points = [
    'preparing',
    'starting',
    'rehearsing',
    'promoting',
    'promoting/copied',
    'promoting/closed',
    'promoting/positioned',
    'promoting/opened',
    'settling',
  ]
  it.each(points)('at %s of a handover goes on from there: one publisher, nothing lost, nothing doubled', async point => {
    stage.edit({ image: 'good-2' })
    stage.dieAtPoint(point)
    await stage.pass(minuteMs)
    expect(stage.deaths).toBe(1)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(stage.feeds().filter(feed => feed.isPublishing)).toHaveLength(1)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    expect(complaints()).toEqual(clean)
    expect(await isQuiet()).toBe(true)
  })

  it.each(['promoting/copied', 'promoting/closed', 'promoting/positioned', 'promoting/opened', 'reverting'])(
    'at %s on the way back goes on from there',
    async point => {
      stage.edit({ image: 'good-2' })
      await toPhase('settling')
      stage.dieAtPoint(point)
      stage.edit({ image: 'good-1' })
      await stage.pass(minuteMs)
      expect(stage.deaths).toBe(1)
      expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
      expect(stage.feeds().filter(feed => feed.isPublishing)).toHaveLength(1)
      expect(complaints()).toEqual(clean)
    },
  )

  const writes = [1, 2, 3, 4, 5, 6, 7, 8].flatMap(count => [
    { count, when: 'before' as const },
    { count, when: 'after' as const },
  ])
  it.each(writes)('$when write $count of a handover loses and doubles nothing', async ({ count, when }) => {
    stage.edit({ image: 'good-2' })
    stage.dieAt(count, when)
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
    expect(complaints()).toEqual(clean)
    expect(await isQuiet()).toBe(true)
  })
})
