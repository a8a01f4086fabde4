import { readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fleet, type Idle, processHost, startFleet } from '../../bench/fleet.ts'
import type { ResourceView, SourceView } from '../../controller/api/contract.ts'
import type { Condition } from '../../crds/contract/resource.ts'
import type { FeedStatus } from '../../crds/feed.ts'
import { isLong } from '../long.ts'
import { until } from '../services/deadline.ts'
import { edit, save } from './edit.ts'
import { feedctl } from './feedctl.ts'
import { images, key, type ProcessStage, setImage, startProcessStage } from './processstage.ts'
import { sumOf } from './sample.ts'
import { openFeedTap } from './tap.ts'

// The main job without a Docker engine, in one story on one stage. Beside it feeds stand idle under a controller of their own.

/** Fifty of them, and the full minute, are measured by `npm run bench -- idle`. */
const idleFeeds = isLong ? 50 : 10
const idleSeconds = 30

let stage: ProcessStage
let fleet: Fleet
let endIdle: (seconds: number) => Promise<Idle>

beforeAll(async () => {
  const signal = AbortSignal.timeout(150_000)
  const options = { feeds: idleFeeds, host: processHost, image: 'feedplane/feed:light', namespace: 'bench', signal }
  ;[stage, fleet] = await Promise.all([startProcessStage(), startFleet(options)])
  endIdle = await fleet.idle()
  await stage.controller.start()
}, 180_000)

afterAll(async () => {
  await Promise.all([stage?.stop(), fleet?.stop()])
}, 60_000)

const status = (view: ResourceView): FeedStatus => view.status as FeedStatus
const view = (): Promise<ResourceView> => stage.controller.view(key)
const condition = ({ status: { conditions } }: ResourceView, type: string): Condition | undefined =>
  conditions?.find(candidate => candidate.type === type)
const sentence = (it: Condition | undefined): string => `${it?.status} ${it?.reason}: ${it?.message}`

/** The one workload that there is in the end, which runs: its name and its process. */
function running(): Promise<{ name: string; pid: number | undefined }> {
  return until('one workload, which runs', () => {
    const [first, ...others] = stage.workloads()
    if (first?.wanted !== 'running' || others.length > 0) return undefined
    return { name: first.name, pid: first.process?.pid }
  })
}

/** What went past the feed's tap while `act` ran, and for some ticks after it. */
async function watchTicks(act: () => Promise<void>) {
  const { checker, close } = await openFeedTap(stage.feedPort())
  const more = async () => {
    const before = checker.counts().accepted
    await until('more ticks', () => checker.counts().accepted >= before + 3)
  }
  await more()
  await act()
  await more()
  await close()
  const { missing, duplicates, stale, restarts } = checker.counts()
  return { missing, duplicates, stale, restarts }
}

const clean = { missing: 0, duplicates: 0, stale: 0, restarts: 0 }

describe('a feed on processes', () => {
  it('gets Ready, with recorded ticks', async () => {
    const { state, view: ready } = await stage.controller.settled(key)
    expect({ state, ready: sentence(condition(ready, 'Ready')) }).toEqual({
      state: 'done',
      ready: expect.stringMatching(/^True DataFlowing: 2 of 2/),
    })
    expect(await watchTicks(async () => undefined)).toEqual(clean)
  })

  it('fails over by an edit of one line without a tick lost or doubled', async () => {
    const counts = await watchTicks(async () => {
      const { state, view: after } = await stage.controller.settle(key, () =>
        edit(stage.feedFile, 'active: primary ', 'active: backup '),
      )
      expect({ state, active: status(after).active }).toEqual({ state: 'done', active: 'backup' })
    })
    expect(counts).toEqual(clean)
  })
})

describe('a bad edit', () => {
  const cases: [what: string, from: string, to: string, place: RegExp][] = [
    ['of the syntax', 'credentials:', 'credentials: {', /feed\.yaml:\d+:\d+/],
    ['of the schema', 'active: backup ', 'active: reserve ', /feed\.yaml:10:13/],
  ]
  it.each(cases)('%s touches nothing that runs, and says where', async (_what, from, to, place) => {
    const text = readFileSync(stage.feedFile, 'utf8')
    const writes = await stage.controller.writes()
    const was = await running()
    const counts = await watchTicks(async () => {
      edit(stage.feedFile, from, to)
      const bad = await until('SourceValid to be False', async () => {
        const found = condition(await view(), 'SourceValid')
        return found?.status === 'False' && found
      })
      expect(bad.message).toMatch(place)
      await stage.controller.looks(3)
    })
    expect(counts).toEqual(clean)
    expect(await running()).toEqual(was)
    expect(await stage.controller.writes()).toEqual(writes)
    const { problems } = await stage.controller.get<SourceView>('/api/v1/source')
    const [problem] = problems
    expect(problem).toMatchObject({ file: stage.feedFile, line: expect.any(Number), column: expect.any(Number) })
    expect(sumOf(await stage.controller.metrics(), 'feedplane_source_problems', { severity: 'error' })).toBe(problems.length)
    const { items } = await stage.controller.get<{ items: { reason: string; message: string }[] }>('/api/v1/events?limit=1000')
    expect(items).toContainEqual(expect.objectContaining({ reason: problem?.reason, message: expect.stringMatching(place) }))
    expect(stage.controller.log).toContain('"declared YAML has a problem"')
    save(stage.feedFile, text)
    await until('SourceValid to be True', async () => condition(await view(), 'SourceValid')?.status === 'True')
    expect(sumOf(await stage.controller.metrics(), 'feedplane_source_problems')).toBe(0)
    expect(await running()).toEqual(was)
    expect(await stage.controller.writes()).toEqual(writes)
  })
})

describe('an image edit', () => {
  it('to a good one converges', async () => {
    const { state, view: after } = await stage.controller.settle(key, () => setImage(stage, images.good))
    expect({ state, revision: status(after).revision }).toEqual({ state: 'done', revision: 2 })
    expect(status(after)).toMatchObject({ strategy: 'Handover', strategyReason: expect.stringContaining('allow two logins') })
    expect((await running()).name).toBe('quickstart-demo-r2')
  })

  const bad: [what: string, image: keyof typeof images, stalled: RegExp][] = [
    ['one that the store lacks', 'absent', /Image/],
    ['one that crashes', 'crashing', /RolledBack.*CrashLoop/],
    ['one that never logs in', 'mute', /RolledBack.*ProgressDeadlineExceeded/],
  ]
  it.each(isLong ? bad : bad.slice(0, 2))(
    'to %s leaves the last good one untouched, and is not tried again',
    async (_what, image, why) => {
      const was = await running()
      setImage(stage, images[image])
      const { code, out } = await feedctl(stage.controller.url, '-n', 'quickstart', 'rollout', 'demo', '--timeout', '60s')
      expect({ code, out }).toMatchObject({ code: 1, out: expect.stringContaining('✗ Failed quickstart/demo') })
      const after = await view()
      expect(sentence(condition(after, 'Stalled'))).toMatch(why)
      expect(condition(after, 'Ready')?.status).toBe('False')
      expect(await running()).toEqual(was)
      await until('ticks of the last good one', () => watchTicks(async () => undefined).then(() => true))
      const writes = await stage.controller.writes()
      await stage.controller.looks(6)
      expect(await stage.controller.writes()).toEqual(writes)
    },
  )

  it('taken back is Ready without a write', async () => {
    const writes = await stage.controller.writes()
    const { state } = await stage.controller.settle(key, () => setImage(stage, images.good))
    expect(state).toBe('done')
    expect(await stage.controller.writes()).toEqual(writes)
  })
})

describe('repair', () => {
  it.each(['supervisor', 'session'])('after kill -9 of the %s is Ready again, once', async victim => {
    const before = await stage.report()
    const session = before.sessions.find(({ account }) => account === before.active)?.pid ?? 0
    process.kill(victim === 'supervisor' ? before.pid : session, 'SIGKILL')
    await until('another process in its place', async () => {
      const { pid, sessions } = await stage.report()
      return pid !== before.pid || sessions.every(one => one.pid !== session)
    })
    await until('the feed to be Ready', async () => (await stage.controller.settled(key)).state === 'done')
    await running()
    await stage.controller.looks(3)
    await until('ticks', () => watchTicks(async () => undefined).then(() => true))
  })
})

describe('kill -9 of the controller', () => {
  it('in steady state stops no feed, and the next one writes nothing', async () => {
    const was = await running()
    const epoch = status(await view()).epoch
    const counts = await watchTicks(async () => {
      await stage.controller.kill()
      await watchTicks(async () => undefined)
      await stage.controller.start()
      expect((await stage.controller.settled(key)).state).toBe('done')
      await stage.controller.looks(4)
    })
    expect(counts).toEqual(clean)
    expect(await stage.controller.writes()).toEqual({ engine: 0, feed: 0 })
    expect({ ...(await running()), epoch: status(await view()).epoch }).toEqual({ ...was, epoch })
  })

  it.each(isLong ? ['RolloutStarted', 'Create', 'Start', 'ProvenMuted', 'MoveGate', 'RolloutComplete'] : ['Create', 'MoveGate'])(
    'at %s of a rollout is made good by the next one',
    async moment => {
      const next = (await view()).spec.image === images.good ? images.base : images.good
      const killed = stage.controller.killAt(
        ({ action, reason }) => action === moment || reason === moment,
        AbortSignal.timeout(30_000),
      )
      setImage(stage, next)
      await killed
      await stage.controller.start()
      const { state, view: after } = await stage.controller.settled(key)
      expect({ state, image: after.spec.image }).toEqual({ state: 'done', image: next })
      expect((await running()).name).toBe(`quickstart-demo-r${status(after).revision}`)
    },
  )
})

describe('a declaration that is gone', () => {
  it('takes its processes with it', async () => {
    // A folder on its way out has no port.
    const { pid, sessions } = await until('the feed to answer', () => stage.report())
    rmSync(stage.feedFile)
    await until('the workload to be gone', () => stage.workloads().length === 0)
    const pids = [pid, ...sessions.map(session => session.pid ?? 0)]
    await until('its processes to be gone', () => !pids.some(isAlive))
  })
})

describe('nothing to do', () => {
  it(`makes no write in ${idleSeconds} s of ${idleFeeds} feeds`, async () => {
    const idle = await endIdle(idleSeconds)
    console.log('idle, beside other work:', JSON.stringify(idle))
    expect(idle).toMatchObject({ feeds: idleFeeds, engineWrites: 0, feedWrites: 0 })
    expect(idle.looks).toBeGreaterThanOrEqual(idleFeeds * 2)
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
