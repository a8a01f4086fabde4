// needs: nats-server

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { withLive } from './feed/desired.ts'
import { Ground, instrumentCount } from './feed/ground.ts'
import { isLong } from './long.ts'
import { until } from './services/deadline.ts'

/** Seconds that the bus is frozen; the longest is longer than any time-out of client and server. */
const freezes = isLong ? [5, 30, 130] : [5]
/** Seconds that fronts refuse logins: past the longest pause between two tries. */
const refusalSeconds = isLong ? 600 : 5
const longMs = isLong ? 900_000 : 300_000

// Every daemon is killed with this process, and there are more of them at a time than Node expects listeners.
process.setMaxListeners(50)

const on = (work: (ground: Ground) => Promise<void>) => () => Ground.with(work)

// Each has a simulator, a feed and a bus of its own, and spends its time on waiting.
describe.concurrent('a feed survives', { timeout: longMs }, () => {
  for (const seconds of freezes.toReversed())
    it(
      `a bus that is frozen for ${seconds} s`,
      on(async ground => {
        await ground.publish('jetstream')
        const end = performance.now() + seconds * 1000
        ground.nats.freeze()
        await ground.missesBus()
        await until('the time to pass', () => performance.now() >= end, 1000 * seconds + 5000)
        await ground.isBounded()
        ground.nats.thaw()
        await ground.isReady()
        await ground.ticksCome()
        await ground.allTold()
        if (seconds === 5) expect(ground.consumer.counts()).toMatchObject({ missing: 0, duplicates: 0 })
        await ground.isBounded()
      }),
    )

  for (const type of ['nats', 'jetstream'] as const) {
    it(
      `the death of the session that publishes (${type})`,
      on(async ground => {
        const { stage } = ground
        await ground.publish(type)
        process.kill((await stage.session('primary')).pid ?? 0, 'SIGKILL')
        await ground.isOnBackup()
        await ground.ticksCome()
        await ground.allTold()
        expect(ground.consumer.counts().stale).toBe(0)
        expect(ground.gapReasons).toContain('PositionLost')
        await stage.serves()
        expect(await stage.feed.status()).toMatchObject({ active: 'backup', epoch: 2, publisher: { connected: true } })
        expect(await stage.metric('md_gaps_total')).toBeGreaterThanOrEqual(1)
        expect((await stage.eventOf('Gap')).fields).toMatchObject({ why: 'PositionLost', instrumentCount })
      }),
    )

    it(
      `the death of the bus (${type})`,
      on(async ground => {
        await ground.publish(type)
        const diedAt = Date.now()
        await ground.nats.kill()
        await ground.missesBus()
        await ground.nats.restart()
        await ground.isReady()
        await ground.ticksCome()
        if (type === 'nats') {
          // The consumer may come back after the record on the bus; the feed's own events have it too.
          const isDoubted = async () => (await ground.stage.feed.events()).some(({ fields }) => fields?.why === 'BusDisconnected')
          await until('the doubt to be told', isDoubted)
        }
        await ground.allTold(type === 'nats' ? diedAt : undefined)
        if (type === 'jetstream') expect(ground.consumer.counts()).toMatchObject({ missing: 0, duplicates: 0 })
        await ground.isBounded()
      }),
    )
  }

  it(
    'the death of a session while the bus is frozen: its queue dies with it, and all of that is told',
    on(async ground => {
      const { stage } = ground
      await ground.publish('jetstream')
      const frozenAt = Date.now()
      ground.nats.freeze()
      await ground.missesBus()
      process.kill((await stage.session('primary')).pid ?? 0, 'SIGKILL')
      await ground.isOnBackup()
      ground.nats.thaw()
      await ground.isReady()
      await ground.ticksCome()
      expect(ground.missing.length).toBeGreaterThan(0)
      await ground.allTold()
      const lost = ground.gaps.find(({ reason }) => reason === 'PositionLost')
      expect(lost?.from).toBeLessThanOrEqual(frozenAt)
    }),
  )

  it(
    'a session that hangs',
    on(async ground => {
      await ground.publish('jetstream')
      process.kill((await ground.stage.session('primary')).pid ?? 0, 'SIGSTOP')
      await ground.stage.eventOf('SessionHung')
      await ground.isOnBackup()
      await ground.ticksCome()
      await ground.allTold()
      expect(ground.consumer.counts().stale).toBe(0)
      await ground.stage.serves()
    }),
  )

  it(
    'a standby that grows beyond its memory, without a word to consumers',
    on(async ground => {
      const { stage } = ground
      await ground.publish('jetstream', 'jetstream', { FEEDPLANE_SESSION_MEMORY_MB: '1' })
      await stage.eventOf('SessionGrows', 60_000)
      const replacements = 'md_session_replacements_total{account="backup"'
      await until('the replacement', async () => (await stage.metric(replacements)) === 1)
      await stage.serves()
      await ground.ticksCome()
      expect(ground.missing).toEqual([])
      expect(await stage.feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
      expect(await stage.session('primary')).toMatchObject({ restarts: 0 })
    }),
  )

  it(
    'its own death',
    on(async ground => {
      const { stage } = ground
      await ground.publish('jetstream')
      await stage.feed.stop('SIGKILL')
      await stage.feed.start()
      await stage.serves()
      await ground.ticksCome()
      await ground.allTold()
      expect(ground.gapReasons).toContain('PositionLost')
      expect(await stage.feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
    }),
  )

  it(
    'a flip while the bus is frozen: what the old session had queued is told',
    on(async ground => {
      const { stage } = ground
      await ground.publish('jetstream')
      ground.nats.freeze()
      await ground.missesBus()
      await stage.feed.put(withLive(stage.desired, { active: 'backup' }, 2))
      expect(await stage.feed.status()).toMatchObject({ active: 'backup', epoch: 2 })
      expect(Number((await stage.eventOf('OutboxLeft')).fields?.ticks)).toBeGreaterThan(0)
      ground.nats.thaw()
      await ground.isReady()
      await ground.ticksCome()
      expect(ground.missing.length).toBeGreaterThan(0)
      await ground.allTold()
      expect(ground.gapReasons).toContain('Withdrawn')
    }),
  )

  it(
    'a stream that is deleted',
    on(async ground => {
      await ground.publish('jetstream', 'nats')
      await ground.streams(manager => manager.streams.delete('TICKS'))
      const messages = () => ground.streams(async manager => (await manager.streams.info('TICKS')).state.messages)
      await until('the stream to be back', async () => (await messages()) > 0)
      await ground.isReady()
      await ground.ticksCome()
      await ground.allTold()
    }),
  )

  it(
    'a stream that is full',
    on(async ground => {
      const { stage } = ground
      await ground.publish('jetstream')
      const limit = (room: number | undefined, discard: 'new' | 'old') =>
        ground.streams(async manager => {
          const { config, state } = await manager.streams.info('TICKS')
          const max_msgs = room === undefined ? -1 : state.messages + room
          await manager.streams.update('TICKS', { ...config, max_msgs, discard })
        })
      await limit(1000, 'new')
      const refused = await until('the stream to refuse', async () => {
        const { publisher } = await stage.feed.status()
        return publisher.message?.includes('refuses') && publisher
      })
      expect(refused.message).toContain('maximum messages exceeded')
      await until('ticks to be given up', async () =>
        (await stage.feed.events()).some(({ fields }) => fields?.why === 'BusRefused'),
      )
      await ground.isBounded()
      await limit(undefined, 'old')
      await ground.ticksCome()
      await ground.allTold()
      expect(ground.missing.length).toBeGreaterThan(0)
      expect(ground.gapReasons).toContain('BusRefused')
      await until('the message to go', async () => (await stage.feed.status()).publisher.message === undefined)
    }),
  )

  it(
    'fronts that refuse logins, with fewer than one try a second',
    on(async ground => {
      const { stage } = ground
      await ground.publish('jetstream')
      const { loginFailures: before = 0 } = await stage.counters()
      await stage.order({ refuseLogins: { all: true, errorId: 60 }, cut: { all: true } })
      const since = performance.now()
      await stage.sessionThat('waiting', 'primary', ({ state, reason }) => state === 'waiting' && reason === 'SessionLimit')
      expect(await ground.unreadyReasons()).toContain('SessionNotLive')
      const failures = async () => ((await stage.counters()).loginFailures ?? 0) - before
      const isOver = () => performance.now() - since >= refusalSeconds * 1000
      await until('six refusals of two accounts', async () => isOver() && (await failures()) >= 6, refusalSeconds * 1000 + 60_000)
      expect(await failures()).toBeLessThanOrEqual(2 * Math.ceil((performance.now() - since) / 1000))
      await ground.isBounded()
      await stage.order({ acceptLogins: true })
      await stage.serves()
      await ground.ticksCome()
      await ground.allTold()
    }),
  )

  it(
    'a front that takes connections and never speaks, and one that never answers a login',
    on(async ({ stage }) => {
      const silent = createServer().listen(0, '127.0.0.1').unref()
      await once(silent, 'listening')
      const { launch } = stage.desired
      const fronts = { ...launch.gateway.fronts, primary: [`tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`] }
      stage.desired = { ...stage.desired, launch: { ...launch, gateway: { ...launch.gateway, fronts } } }
      stage.desired = withLive(stage.desired, { watchdog: { enabled: true, thresholdSeconds: 2 } })
      await stage.order({ muteLogins: { all: true } })
      await stage.feed.prepare(stage.desired)
      await stage.feed.start()
      await stage.sessionThat('waiting', 'backup', ({ reason }) => reason === 'LoginUnanswered')
      await stage.sessionThat(
        'reported',
        'primary',
        ({ state, reason }) => state === 'connecting' && reason === 'FrontUnreachable',
      )
      expect(await stage.feed.isReady()).toBe(false)
      await stage.order({ acceptLogins: true })
      await until('the other account', async () => (await stage.feed.status()).active === 'backup')
      await until('the feed to be ready', () => stage.feed.isReady())
    }),
  )
})
