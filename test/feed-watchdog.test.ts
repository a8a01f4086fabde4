import { describe, expect, it } from 'vitest'
import { withLive } from './feed/desired.ts'
import { FeedStage } from './feed/stage.ts'
import { until } from './services/deadline.ts'

const thresholdMs = 2000
const instrumentCount = 200
/** Of these 17 are of CFFEX, in two groups: one for its index, one for its bonds. */
const index = 'CFFEX/09:30-15:00'
const bonds = 'CFFEX/09:15-15:15'

/** Runs `work` on a feed with fresh ticks of every group from both accounts. */
const on =
  (work: (stage: FeedStage) => Promise<void>, thresholdSeconds = thresholdMs / 1000) =>
  async () => {
    const stage = await FeedStage.open(instrumentCount)
    try {
      stage.desired = withLive(stage.desired, { watchdog: { enabled: true, thresholdSeconds } })
      await stage.serve()
      for (const account of ['primary', 'backup'] as const)
        await stage.sessionThat('ticking', account, ({ received }) => received > 5 * instrumentCount)
      await work(stage)
    } finally {
      await stage.close()
    }
  }

const activeIs = (stage: FeedStage, account: string): Promise<boolean> =>
  until(`${account} to publish`, async () => (await stage.feed.status()).active === account)

describe('the watchdog of a feed', () => {
  it(
    'moves the gate for the stall of one exchange group, while all others tick',
    on(async stage => {
      await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
      await activeIs(stage, 'backup')
      const { at, fields } = await stage.eventOf('WatchdogFlip')
      expect([index, bonds]).toContain(fields?.group)
      expect(fields).toMatchObject({
        account: 'primary',
        other: 'backup',
        otherState: 'live',
        coverage: 1,
        otherCoverage: 1,
        thresholdMs,
      })
      expect(fields?.silenceMs).toBeGreaterThanOrEqual(thresholdMs)
      expect(fields?.otherSilenceMs).toBeLessThan(thresholdMs / 2)
      expect(fields?.otherLastTickAt).toBeGreaterThan(Number(fields?.lastTickAt))
      console.log(`decided ${at - Number(fields?.lastTickAt) - thresholdMs} ms after the threshold (budget: 250)`)
      const reasons = (await stage.feed.events()).map(({ reason }) => reason)
      expect(reasons.indexOf('GroupStalled')).toBeLessThan(reasons.indexOf('WatchdogFlip'))
      expect(await stage.feed.status()).toMatchObject({ epoch: 2, override: { active: 'backup' } })
      expect(await stage.metric(`md_group_stalls_total{account="primary",group="${fields?.group}"`)).toBe(1)
      await until('no failover to be required', async () => (await stage.metric('md_failover_required')) === 0)
    }),
  )
})

describe.concurrent('the watchdog of a feed also', () => {
  it(
    'stays where no account has ticks of a group, and says so once',
    on(async stage => {
      await stage.order({ stall: { group: 'CFFEX' } })
      const silence = `md_group_silence_seconds{account="primary",group="${index}"`
      await until('a long silence', async () => ((await stage.metric(silence)) ?? 0) * 1000 > 3 * thresholdMs)
      const events = await stage.feed.events()
      const groups = events.filter(({ reason }) => reason === 'GroupSilent').map(({ fields }) => fields?.group)
      expect(groups.sort()).toEqual([bonds, index])
      expect(events.filter(({ reason }) => ['GroupStalled', 'WatchdogFlip'].includes(reason))).toEqual([])
      expect(await stage.feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
      expect(await stage.metric('md_failover_required')).toBe(0)
    }),
  )

  it(
    'stays where the other account is behind in a group of its own, and lets that one reconnect',
    on(async stage => {
      await stage.order({ stall: { user: 'backup', group: 'DCE' } })
      await stage.eventOf('StandbyStalled')
      await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
      const held = await stage.eventOf('FlipHeld')
      expect(held.fields?.why).toMatch(/^backup is (silent in DCE|subscribing|connecting|logging-in)/)
      expect(await stage.metric('md_failover_required')).toBe(1)
      expect(await stage.feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
      await stage.order({ clear: 'all' })
      await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
      await activeIs(stage, 'backup')
    }),
  )

  it(
    'lets a standby that stays silent reconnect later each time, so that its silence shows',
    on(async stage => {
      await stage.order({ stall: { user: 'backup', all: true } })
      const reconnects = async () => (await stage.feed.events()).filter(({ reason }) => reason === 'StandbyStalled')
      const [, second] = await until('a second reconnect', async () => (await reconnects()).length > 1 && reconnects())
      expect(second?.fields?.otherSilenceMs).toBeGreaterThanOrEqual(2 * thresholdMs)
    }),
  )

  it(
    'escapes from an account that dies before its first tick, and not sooner than the hold-off allows',
    on(async stage => {
      await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
      await activeIs(stage, 'backup')
      await stage.order({ clear: 'all' })
      await stage.order({ stall: { user: 'backup', all: true } })
      await activeIs(stage, 'primary')
      const [first, second] = (await stage.feed.events()).filter(({ reason }) => reason === 'WatchdogFlip')
      expect(second?.fields).toMatchObject({ account: 'backup', other: 'primary' })
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2 * thresholdMs)
      expect(await stage.feed.status()).toMatchObject({ epoch: 3, override: { active: 'primary' } })
    }),
  )

  it(
    'looks after the account that publishes while a flip waits for the other one',
    on(async stage => {
      await stage.order({ refuseLogins: { user: 'backup', errorId: 60 }, cut: { user: 'backup' } })
      await stage.sessionThat('refused', 'backup', ({ state }) => state === 'waiting')
      await stage.feed.put(withLive(stage.desired, { active: 'backup' }, 2))
      await stage.eventOf('FailoverPending')
      await stage.order({ stall: { user: 'primary', all: true } })
      expect((await stage.eventOf('GroupStalled')).fields).toMatchObject({ account: 'primary' })
      // The first group that is silent has it reconnect; a failover is required once all are, or the other account leads.
      await until('failover to be required', async () => (await stage.metric('md_failover_required')) === 1)
      await stage.order({ clear: 'all' })
      await activeIs(stage, 'backup')
    }),
  )

  it(
    'leaves an account at once that the front locks',
    on(async stage => {
      const { loginFailures = 0 } = await stage.counters()
      await stage.order({ refuseLogins: { user: 'primary', errorId: 75 }, cut: { user: 'primary' } })
      await activeIs(stage, 'backup')
      expect(await stage.session('primary')).toMatchObject({ state: 'waiting', reason: 'AccountLocked', errorId: 75 })
      expect((await stage.counters()).loginFailures).toBe(loginFailures + 1)
    }, 3600),
  )

  it(
    'is not ready while nothing ticks, names the groups with the time of their newest tick, and is again afterwards',
    on(async stage => {
      await stage.order({ stall: { all: true } })
      const silent = await until('silence to be reported', async () => (await stage.feed.status()).silentGroups)
      expect(silent.map(({ group }) => group)).toEqual(expect.arrayContaining([index, bonds]))
      const { lastTickAt = 0 } = await stage.session('primary')
      for (const { since } of silent) expect(since).toBeLessThanOrEqual(lastTickAt + 200)
      const response = await stage.feed.get('/readyz', {})
      expect(response.status).toBe(503)
      expect(await response.text()).toContain('GroupSilent')
      await stage.order({ clear: 'all' })
      await stage.serves()
      expect((await stage.feed.status()).silentGroups).toBeUndefined()
    }),
  )

  it(
    'tries a locked account once for each retry that is asked for, and takes it back when the front does',
    on(async stage => {
      await stage.order({ refuseLogins: { user: 'backup', errorId: 75 }, cut: { user: 'backup' } })
      const isLocked = () => stage.sessionThat('locked', 'backup', ({ reason }) => reason === 'AccountLocked')
      await isLocked()
      const { loginFailures = 0 } = await stage.counters()
      const retry = (token: string) => stage.feed.post('/v1/logins/retry', { token })
      expect(await retry('a')).toEqual({ status: 202, body: { accounts: ['backup'] } })
      expect(await retry('a')).toEqual({ status: 202, body: { accounts: [] } })
      await until('the front to refuse it', async () => (await stage.counters()).loginFailures === loginFailures + 1)
      await isLocked()
      await stage.order({ clear: 'all' })
      expect(await retry('b')).toEqual({ status: 202, body: { accounts: ['backup'] } })
      await stage.sessionThat('live', 'backup', ({ state }) => state === 'live')
    }, 3600),
  )
})
