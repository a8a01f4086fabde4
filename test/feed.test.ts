import { readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Account, Desired } from '../crds/contract/desired.ts'
import type { FeedReport, SessionStatus } from '../crds/contract/feedstatus.ts'
import type { Tick } from '../crds/contract/tick.ts'
import { TickChecker } from '../feed/client/consumer.ts'
import { type Simulator, startSimulator } from '../feed/simulator/simulator.ts'
import { desiredOn, groupsOf, withLive } from './feed/desired.ts'
import { FeedProcess } from './feed/feedprocess.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'

const instrumentCount = 200
const logins = [
  { BROKER_ID: '9999', USER_ID: 'primary', PASSWORD: 'password-of-primary' },
  { BROKER_ID: '9999', USER_ID: 'backup', PASSWORD: 'password-of-backup' },
]

const sessionOf = (report: FeedReport, account: Account): SessionStatus => {
  const session = report.sessions.find(one => one.account === account)
  if (session === undefined) throw new Error(`the report lacks ${account}`)
  return session
}

/** A feed on a simulator of its own. */
class World {
  readonly simulator: Simulator
  readonly directory: Awaited<ReturnType<typeof temporaryDirectory>>
  readonly feed: FeedProcess
  desired: Desired

  static with(work: (world: World) => Promise<void>): () => Promise<void> {
    return async () => {
      const simulator = await startSimulator({ instruments: instrumentCount, rate: 2, controlPort: 0, accounts: logins })
      const directory = await temporaryDirectory('feed')
      const world = new World(simulator, directory, desiredOn(simulator.ports[0] ?? 0, await groupsOf(instrumentCount)))
      try {
        await work(world)
      } finally {
        await world.feed.stop()
        await simulator.stop()
        await directory.remove()
      }
    }
  }

  constructor(simulator: Simulator, directory: World['directory'], desired: Desired) {
    this.simulator = simulator
    this.directory = directory
    this.feed = new FeedProcess(directory.path)
    this.desired = desired
  }

  async startReady(passwords?: Partial<Record<Account, string>>): Promise<FeedReport> {
    await this.feed.prepare(this.desired, passwords)
    await this.feed.start()
    await until('the feed to be ready', () => this.feed.isReady())
    return this.feed.status()
  }

  sessionThat(what: string, account: Account, holds: (session: SessionStatus) => boolean): Promise<SessionStatus> {
    return until(`${account} to be ${what}`, async () => {
      const session = sessionOf(await this.feed.status(), account)
      return holds(session) && session
    })
  }

  async bothLive(): Promise<void> {
    await this.sessionThat('live', 'primary', ({ state }) => state === 'live')
    await this.sessionThat('live', 'backup', ({ state, lastTickAt }) => state === 'live' && lastTickAt !== undefined)
  }

  async order(faults: object): Promise<void> {
    const url = `http://127.0.0.1:${this.simulator.control}/faults`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(faults) })
    expect(response.status).toBe(200)
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe.concurrent('a feed', () => {
  it(
    'serves what is desired, and leaves no process when it is told to stop',
    World.with(async world => {
      const { feed } = world
      const report = await world.startReady()
      await world.bothLive()
      expect(sessionOf(report, 'primary')).toMatchObject({ state: 'live', gate: 'open', rejections: [] })
      expect(sessionOf(report, 'primary').subscriptions).toMatchObject({
        desired: instrumentCount,
        acknowledged: instrumentCount,
      })
      expect(sessionOf(await feed.status(), 'backup')).toMatchObject({ state: 'live', gate: 'closed', published: 0 })
      const pids = [feed.pid, ...(await feed.status()).sessions.map(({ pid }) => pid ?? 0)]
      expect(pids.every(isAlive)).toBe(true)
      expect(await feed.stop()).toBe(0)
      expect(pids.filter(isAlive)).toEqual([])
    }),
  )

  it(
    'moves the gate six times without losing or doubling a tick',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      await world.bothLive()
      const checker = new TickChecker({})
      const tap = new AbortController()
      const following = feed
        .tap([], tick => checker.check(tick), tap.signal)
        .catch(error => {
          if (!tap.signal.aborted) throw error
        })
      const account = (epoch: number): Account => (epoch % 2 === 1 ? 'primary' : 'backup')
      for (let epoch = 2; epoch <= 7; epoch++) {
        const { status } = await feed.put(withLive(world.desired, { active: account(epoch) }, epoch))
        expect(status).toBe(200)
        const before = checker.counts().accepted
        await until('ticks of the new account', () => checker.counts().accepted > before + instrumentCount)
      }
      tap.abort()
      await following
      expect(checker.counts()).toMatchObject({ missing: 0, duplicates: 0, stale: 0, restarts: 0, malformed: 0 })
      const report = await feed.status()
      expect(report).toMatchObject({
        epoch: 7,
        active: 'primary',
        gaps: 0,
        lastFailover: { from: 'backup', to: 'primary', epoch: 7 },
      })
      expect(report.lastFailover?.phases.firstTickMs).toBeGreaterThan(0)
    }),
  )

  it(
    'refuses what it must not take over, and says why',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      await world.bothLive()
      const moved = withLive(world.desired, { active: 'backup' }, 3)
      expect(await feed.put(moved)).toMatchObject({ status: 200, body: { changed: true, epoch: 3, active: 'backup' } })
      expect(await feed.put(moved)).toMatchObject({ status: 200, body: { changed: false } })
      expect(await feed.put(world.desired)).toMatchObject({ status: 409, body: { reason: 'StaleEpoch', epoch: 3 } })
      expect(await feed.put(withLive(moved, { active: 'primary' }))).toMatchObject({
        status: 409,
        body: { reason: 'StaleEpoch' },
      })
      const relaunched = { ...moved, epoch: 4, launch: { ...moved.launch, queue: { maxTicks: 2000 } } }
      expect(await feed.put(relaunched)).toMatchObject({ status: 409, body: { reason: 'LaunchChanged' } })
      const broken = { ...moved, live: { ...moved.live, role: 'king' } }
      expect(await feed.put(broken)).toMatchObject({ status: 400, body: { errors: [{ path: 'live.role' }] } })
      for (const authorization of ['', 'Bearer wrong']) {
        const refused = await feed.get('/v1/status', { authorization })
        expect([refused.status, await refused.json()]).toMatchObject([401, { reason: 'Unauthorized' }])
      }
      const accepted = (await feed.events()).filter(({ reason }) => reason === 'DesiredAccepted')
      expect(accepted.map(({ fields }) => fields)).toEqual([{ epoch: 3, revision: 1, active: 'backup', role: 'publisher' }])
      expect(await feed.status()).toMatchObject({ epoch: 3, active: 'backup' })
    }),
  )

  it(
    'publishes from the standby where the active account dies at each start, before its gate is open',
    World.with(async world => {
      const { feed } = world
      await feed.prepare(world.desired)
      await feed.start()
      const endPrimary = async () => {
        const report = await feed.status().catch(() => undefined)
        const { pid } = report?.sessions.find(({ account }) => account === 'primary') ?? {}
        if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
        return report?.active === 'backup' && report.sessions.some(({ gate }) => gate === 'open')
      }
      await until('the other account to publish', endPrimary)
      expect(await feed.status()).toMatchObject({ epoch: 2, active: 'backup', override: { active: 'backup' } })
    }),
  )

  it(
    'restarts by itself with the epoch, the account and the sequences that it had',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      await world.bothLive()
      await feed.put(withLive(world.desired, { active: 'backup' }, 2))
      const checker = new TickChecker({})
      const first = new AbortController()
      const following = feed.tap([], tick => checker.check(tick), first.signal).catch(() => undefined)
      await until('ticks', () => checker.counts().accepted > instrumentCount)
      await feed.stop()
      await following
      const duplicatesAndStale = () => checker.counts().duplicates + checker.counts().stale
      await feed.start()
      const second = new AbortController()
      const again = feed.tap([], tick => checker.check(tick), second.signal).catch(() => undefined)
      const before = checker.counts().accepted
      await until('ticks after the restart', () => checker.counts().accepted > before + instrumentCount)
      second.abort()
      await again
      expect(await feed.status()).toMatchObject({ epoch: 2, active: 'backup' })
      expect(duplicatesAndStale()).toBe(0)
      expect(checker.counts().restarts).toBe(0)
    }),
  )

  it(
    'lets the other account publish at once where the session of the active one dies, and starts it again',
    World.with(async world => {
      const { feed } = world
      const report = await world.startReady()
      await world.bothLive()
      const checker = new TickChecker({})
      const tap = new AbortController()
      const following = feed.tap([], tick => checker.check(tick), tap.signal).catch(() => undefined)
      await until('ticks', () => checker.counts().accepted > instrumentCount)
      const pid = sessionOf(report, 'primary').pid ?? 0
      process.kill(pid, 'SIGKILL')
      const succeeded = await until('the other account', async () => {
        const now = await feed.status()
        return sessionOf(now, 'backup').published > instrumentCount && now
      })
      expect(succeeded).toMatchObject({
        active: 'backup',
        epoch: 2,
        override: { active: 'backup', reason: 'the session of primary died' },
        lastFailover: { from: 'primary', to: 'backup', epoch: 2 },
      })
      expect(succeeded.gaps).toBeGreaterThan(0)
      const revived = await world.sessionThat(
        'live again',
        'primary',
        ({ state, restarts }) => state === 'live' && restarts === 1,
      )
      expect(revived).toMatchObject({ gate: 'closed', published: 0 })
      expect(revived.pid).not.toBe(pid)
      tap.abort()
      await following
      expect(checker.counts()).toMatchObject({ duplicates: 0, stale: 0 })
      const reasons = (await feed.events()).map(event => event.reason)
      expect(reasons.indexOf('SessionDied')).toBeLessThan(reasons.indexOf('FailedOver'))
    }),
  )

  it(
    'goes on with a restarted session where there is no other, and uses no sequence twice',
    World.with(async world => {
      const { feed } = world
      world.desired = withLive(world.desired, { standby: 'cold' })
      const report = await world.startReady()
      const checker = new TickChecker({})
      const tap = new AbortController()
      const following = feed.tap([], tick => checker.check(tick), tap.signal).catch(() => undefined)
      await until('ticks', () => checker.counts().accepted > instrumentCount)
      process.kill(sessionOf(report, 'primary').pid ?? 0, 'SIGKILL')
      await world.sessionThat('restarted', 'primary', ({ restarts, published }) => restarts === 1 && published > instrumentCount)
      tap.abort()
      await following
      expect(checker.counts()).toMatchObject({ duplicates: 0, stale: 0 })
      expect(await feed.status()).toMatchObject({ active: 'primary', epoch: 1, gaps: expect.any(Number) })
      expect((await feed.status()).gaps).toBeGreaterThan(0)
    }),
  )

  it(
    'subscribes again after a cut, publishes nothing twice, and records what may be missing',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      await world.bothLive()
      const checker = new TickChecker({})
      const snapshots: number[] = []
      const tap = new AbortController()
      const take = (tick: Tick) => {
        checker.check(tick)
        if (tick.snapshot) snapshots.push(tick.sequence)
      }
      const following = feed.tap([], take, tap.signal).catch(() => undefined)
      await until('ticks', () => checker.counts().accepted > instrumentCount)
      await world.order({ cut: { user: 'primary' } })
      await until('the gap', async () => (await feed.status()).gaps > 0)
      await world.sessionThat(
        'live again',
        'primary',
        ({ state, subscriptions }) => state === 'live' && subscriptions.ticking === instrumentCount,
      )
      const before = checker.counts().accepted
      await until('ticks of every instrument', () => checker.counts().accepted > before + 2 * instrumentCount)
      tap.abort()
      await following
      expect(checker.counts()).toMatchObject({ missing: 0, duplicates: 0, stale: 0, restarts: 0 })
      expect(snapshots.length).toBeGreaterThan(0)
      const gap = (await feed.events()).find(({ reason }) => reason === 'Gap')
      expect(gap?.fields).toMatchObject({ account: 'primary', why: 'Reconnect', epoch: 1 })
    }),
  )

  it(
    'lets a reader of events go on where it stopped',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      const all = await feed.events()
      const [first, second] = all
      const headers = { authorization: 'Bearer a-token-of-the-feed-test', 'last-event-id': `${first?.sequence}` }
      const response = await feed.get('/v1/events', headers)
      const reader = response.body?.getReader()
      const text = Buffer.from((await reader?.read())?.value ?? []).toString()
      await reader?.cancel()
      expect(text).toContain(`id: ${second?.sequence}\n`)
      expect(text).not.toContain(`id: ${first?.sequence}\n`)
    }),
  )

  it(
    'sends a wrong password once, and goes on when the secret is corrected',
    World.with(async world => {
      const { feed } = world
      await world.startReady({ backup: 'wrong' })
      const failed = await world.sessionThat('failed', 'backup', ({ state }) => state === 'failed')
      expect(failed).toMatchObject({ reason: 'LoginRefused', errorId: 3 })
      const refusals = (await feed.events()).filter(({ reason }) => reason === 'LoginRefused')
      expect(refusals).toHaveLength(1)
      expect(JSON.stringify([await feed.status(), await feed.events()])).not.toContain('wrong')
      await feed.writeSecrets('backup', 'password-of-backup')
      await world.sessionThat('live', 'backup', ({ state }) => state === 'live')
    }),
  )

  it(
    'keeps publishing when told to flip to an account that cannot log in, and says that it waits',
    World.with(async world => {
      const { feed } = world
      await world.startReady({ backup: 'wrong' })
      await feed.put(withLive(world.desired, { active: 'backup' }, 2))
      const report = await feed.status()
      expect(report).toMatchObject({ active: 'primary' })
      expect(sessionOf(report, 'primary').gate).toBe('open')
      expect(await feed.isReady()).toBe(false)
      await feed.writeSecrets('backup', 'password-of-backup')
      await until('the flip', async () => (await feed.status()).active === 'backup')
      await until('the feed to be ready', () => feed.isReady())
    }),
  )

  it(
    'flips to a cold standby, and ends the other session after it',
    World.with(async world => {
      const { feed } = world
      world.desired = withLive(world.desired, { standby: 'cold' })
      const report = await world.startReady()
      expect(sessionOf(report, 'backup')).toMatchObject({ state: 'idle' })
      await feed.put(withLive(world.desired, { active: 'backup' }, 2))
      await until('the flip', async () => (await feed.status()).active === 'backup')
      await until('the feed to be ready', () => feed.isReady())
      await world.sessionThat('idle', 'primary', ({ state }) => state === 'idle')
    }),
  )

  it(
    'kills a session that does not answer before it lets the other publish',
    World.with(async world => {
      const { feed } = world
      const report = await world.startReady()
      await world.bothLive()
      const pid = sessionOf(report, 'primary').pid ?? 0
      process.kill(pid, 'SIGSTOP')
      expect(await feed.put(withLive(world.desired, { active: 'backup' }, 2))).toMatchObject({
        status: 200,
        body: { active: 'backup' },
      })
      expect(isAlive(pid)).toBe(false)
      await until('the feed to be ready', () => feed.isReady())
      const gap = (await feed.events()).find(({ reason }) => reason === 'Gap')
      expect(gap?.fields).toMatchObject({ account: 'backup', why: 'PositionLost' })
    }),
  )

  it(
    'keeps all gates closed as a standby, and publishes when it is promoted',
    World.with(async world => {
      const { feed } = world
      world.desired = withLive(world.desired, { role: 'standby' })
      const report = await world.startReady()
      expect(report.sessions.map(({ gate, published }) => [gate, published])).toEqual(Array(2).fill(['closed', 0]))
      await feed.put(withLive(world.desired, { role: 'publisher' }, 2))
      await world.sessionThat('publishing', 'primary', ({ gate, published }) => gate === 'open' && published > 0)
      await feed.put(withLive(world.desired, { role: 'standby' }, 3))
      await world.sessionThat('muted', 'primary', ({ gate }) => gate === 'closed')
    }),
  )

  it(
    'hands over to another process with its position, and no tick is lost or doubled',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      await world.bothLive()
      expect(await feed.put({}, '/v1/position')).toMatchObject({ status: 400 })
      const nextDirectory = await temporaryDirectory('feed')
      const next = new FeedProcess(nextDirectory.path)
      const checker = new TickChecker({})
      const taps = new AbortController()
      const follow = (one: FeedProcess) => one.tap([], tick => checker.check(tick), taps.signal).catch(() => undefined)
      try {
        await next.prepare(withLive(world.desired, { role: 'standby' }))
        await next.start()
        await until('the next process to be ready', () => next.isReady())
        const following = [follow(feed), follow(next)]
        await until('ticks', () => checker.counts().accepted > instrumentCount)
        const position = async () => (await (await feed.get('/v1/position')).json()) as { exact: boolean; instruments: string[] }
        expect(await feed.put(await position(), '/v1/position')).toMatchObject({ status: 409, body: { reason: 'GateOpen' } })
        await feed.put(withLive(world.desired, { role: 'standby' }, 2))
        expect(await next.put(await position(), '/v1/position')).toMatchObject({ status: 200, body: { exact: true } })
        await next.put(withLive(world.desired, { role: 'publisher' }, 3))
        const before = checker.counts().accepted
        await until('ticks of the next process', () => checker.counts().accepted > before + 2 * instrumentCount)
        taps.abort()
        await Promise.all(following)
        expect(checker.counts()).toMatchObject({ missing: 0, duplicates: 0, stale: 0, restarts: 0 })
        expect(await next.status()).toMatchObject({ epoch: 3, gaps: 0 })
      } finally {
        await next.stop()
        await nextDirectory.remove()
      }
    }),
  )

  it(
    'leaves no session behind when it is killed',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      await world.bothLive()
      const pids = (await feed.status()).sessions.map(({ pid }) => pid ?? 0)
      await feed.stop('SIGKILL')
      await until('the sessions to end', () => pids.every(pid => !isAlive(pid)))
    }),
  )

  it(
    'takes other instruments over without a new login',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      const fewer = world.desired.live.instrumentGroups.slice(0, 1)
      const count = fewer.flatMap(({ instruments }) => instruments).length
      const unknown = { ...(fewer[0] as (typeof fewer)[0]), instruments: ['XX9999'] }
      const since = sessionOf(await feed.status(), 'primary').pid
      await feed.put(withLive(world.desired, { instrumentGroups: [...fewer, unknown] }))
      const session = await world.sessionThat(
        'live with fewer',
        'primary',
        ({ state, subscriptions }) => state === 'live' && subscriptions.desired === count + 1,
      )
      expect(session).toMatchObject({ pid: since, subscriptions: { acknowledged: count, rejected: 1 } })
      expect(session.rejections).toEqual([{ instrument: 'XX9999', reason: '16: instrument not found' }])
      const text = await (await feed.get('/metrics', {})).text()
      expect(text).toMatch(/md_reconnects_total\{account="primary",feed="test\/feed"\} 0/)
    }),
  )

  it(
    'moves the gate itself when the active account falls silent, and keeps that over a restart',
    World.with(async world => {
      const { feed } = world
      world.desired = withLive(world.desired, { watchdog: { enabled: true, thresholdSeconds: 2 } })
      await world.startReady()
      await world.bothLive()
      await world.order({ stall: { user: 'primary' } })
      const overridden = await until('the watchdog', async () => {
        const report = await feed.status()
        return report.active === 'backup' && report
      })
      expect(overridden).toMatchObject({ epoch: 2, override: { active: 'backup', epoch: 2 } })
      const reasons = (await feed.events()).map(({ reason }) => reason)
      expect(reasons.indexOf('GroupStalled')).toBeLessThan(reasons.indexOf('WatchdogFlip'))
      await feed.stop()
      await feed.start()
      await until('the feed to be ready', () => feed.isReady())
      expect(await feed.status()).toMatchObject({ epoch: 2, active: 'backup', override: { active: 'backup' } })
      await world.order({ resume: true })
      await world.bothLive()
      expect(await feed.put(withLive(world.desired, {}, 3))).toMatchObject({ status: 200, body: { active: 'primary', epoch: 3 } })
      const report = await feed.status()
      expect(report.override).toBeUndefined()
      expect(report).toMatchObject({ active: 'primary', epoch: 3 })
    }),
  )

  it(
    'publishes on where its disk is full, says what it cannot write, and moves the gate when it can again',
    World.with(async world => {
      const { feed } = world
      const drafts = ['desired.json', 'override.json', 'position'].map(name => join(world.directory.path, 'state', `${name}.new`))
      const eventOf = (reason: string) => until(reason, async () => (await feed.events()).find(event => event.reason === reason))
      world.desired = withLive(world.desired, { watchdog: { enabled: true, thresholdSeconds: 2 } })
      await world.startReady()
      await world.bothLive()
      for (const draft of drafts) await symlink('/dev/full', draft)
      const refused = await feed.put(withLive(world.desired, { active: 'backup' }, 2))
      expect(refused).toMatchObject({ status: 500, body: { reason: 'Internal' } })
      expect((await eventOf('PositionUnsaved')).fields?.detail).toContain('ENOSPC')
      await world.order({ stall: { user: 'primary' } })
      expect((await eventOf('OverrideUnsaved')).fields?.detail).toContain('ENOSPC')
      expect(await feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
      process.kill(sessionOf(await feed.status(), 'primary').pid ?? 0, 'SIGKILL')
      expect((await eventOf('ConvergeFailed')).fields?.message).toContain('ENOSPC')
      expect(await feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
      for (const draft of drafts) await rm(draft)
      await until('the flip', async () => (await feed.status()).active === 'backup')
      expect(await feed.status()).toMatchObject({ epoch: 2, override: { active: 'backup' } })
    }),
  )

  it(
    'keeps its secrets and its token out of its state',
    World.with(async world => {
      const { feed } = world
      await world.startReady()
      const state = await readFile(join(world.directory.path, 'state/desired.json'), 'utf8')
      expect(state).not.toContain('password-of')
      expect(JSON.stringify(await feed.status())).not.toContain('password-of')
    }),
  )
})
