import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FeedEvent } from '../crds/contract/feedstatus.ts'
import { withLive } from './feed/desired.ts'
import { FeedStage } from './feed/stage.ts'
import { until } from './services/deadline.ts'

const thresholdMs = 2000
const instrumentCount = 200
/** Of these 17 are of CFFEX, in two groups: one for its index, one for its bonds. */
const index = 'CFFEX/09:30-15:00'
const bonds = 'CFFEX/09:15-15:15'

let stage: FeedStage

beforeEach(async () => {
  stage = await FeedStage.open(instrumentCount)
  stage.desired = withLive(stage.desired, { watchdog: { enabled: true, thresholdSeconds: thresholdMs / 1000 } })
})

afterEach(() => stage.close())

/** Serves, with fresh ticks of every group from both accounts. */
async function allGroupsTick(): Promise<void> {
  await stage.serve()
  for (const account of ['primary', 'backup'] as const)
    await stage.sessionThat('ticking', account, ({ received }) => received > 5 * instrumentCount)
}

const reasonsOf = async (): Promise<string[]> => (await stage.feed.events()).map(({ reason }) => reason)
const flips = async (): Promise<FeedEvent[]> => (await stage.feed.events()).filter(({ reason }) => reason === 'WatchdogFlip')
const activeIs = (account: string): Promise<boolean> =>
  until(`${account} to publish`, async () => (await stage.feed.status()).active === account)

describe('the watchdog of a feed', () => {
  it('moves the gate for the stall of one exchange group, while all others tick', async () => {
    await allGroupsTick()
    await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
    await activeIs('backup')
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
    const reasons = await reasonsOf()
    expect(reasons.indexOf('Stalled')).toBeLessThan(reasons.indexOf('WatchdogFlip'))
    expect(await stage.feed.status()).toMatchObject({ epoch: 2, override: { active: 'backup' } })
    expect(await stage.metric(`md_group_stalls_total{account="primary",group="${fields?.group}"`)).toBe(1)
    await until('no failover to be required', async () => (await stage.metric('md_failover_required')) === 0)
  })

  it('stays where no account has ticks of a group, and says so once', async () => {
    await allGroupsTick()
    await stage.order({ stall: { group: 'CFFEX' } })
    const silence = `md_group_silence_seconds{account="primary",group="${index}"`
    await until('a long silence', async () => ((await stage.metric(silence)) ?? 0) * 1000 > 3 * thresholdMs)
    const events = await stage.feed.events()
    const groups = events.filter(({ reason }) => reason === 'GroupSilent').map(({ fields }) => fields?.group)
    expect(groups.sort()).toEqual([bonds, index])
    expect(events.filter(({ reason }) => ['Stalled', 'WatchdogFlip'].includes(reason))).toEqual([])
    expect(await stage.feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
    expect(await stage.metric('md_failover_required')).toBe(0)
  })

  it('stays where the other account is behind in a group of its own, and lets that one reconnect', async () => {
    await allGroupsTick()
    await stage.order({ stall: { user: 'backup', group: 'DCE' } })
    await stage.eventOf('StandbyStalled')
    await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
    const held = await stage.eventOf('FlipHeld')
    expect(held.fields?.why).toMatch(/^backup is (silent in DCE|subscribing|connecting|logging-in)/)
    expect(await stage.metric('md_failover_required')).toBe(1)
    expect(await stage.feed.status()).toMatchObject({ active: 'primary', epoch: 1 })
    await stage.order({ clear: 'all' })
    await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
    await activeIs('backup')
  })

  it('escapes from an account that dies before its first tick, and not sooner than the hold-off allows', async () => {
    await allGroupsTick()
    await stage.order({ stall: { user: 'primary', group: 'CFFEX' } })
    await activeIs('backup')
    await stage.order({ clear: 'all' })
    await stage.order({ stall: { user: 'backup', all: true } })
    await activeIs('primary')
    const [first, second] = await flips()
    expect(second?.fields).toMatchObject({ account: 'backup', other: 'primary' })
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2 * thresholdMs)
    expect(await stage.feed.status()).toMatchObject({ epoch: 3, override: { active: 'primary' } })
  })

  it('leaves an account at once that the front locks', async () => {
    stage.desired = withLive(stage.desired, { watchdog: { enabled: true, thresholdSeconds: 3600 } })
    await allGroupsTick()
    const { loginFailures = 0 } = await stage.counters()
    await stage.order({ refuseLogins: { user: 'primary', errorId: 75 }, cut: { user: 'primary' } })
    await activeIs('backup')
    expect(await stage.session('primary')).toMatchObject({ state: 'waiting', reason: 'AccountLocked', errorId: 75 })
    expect((await stage.counters()).loginFailures).toBe(loginFailures + 1)
  })
})
