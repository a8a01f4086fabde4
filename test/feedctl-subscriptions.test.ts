import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { calendarViewSchema } from '../crds/contract/calendar.ts'
import { parseResubscription } from '../crds/contract/resubscription.ts'
import { subscriptionsViewSchema } from '../crds/contract/subscriptions.ts'
import { known, openSubscriptionStage, type SubscriptionStage } from './feedctl/subscriptionstage.ts'
import { until } from './services/deadline.ts'

// feedctl subscriptions and calendar on the real controller, with a feed on the simulator that does not know two of 42 instruments.
// The tests tell one story, in order.

let stage: SubscriptionStage
const feedctl = (...args: string[]) => stage.feedctl(...args)

beforeAll(async () => {
  stage = await openSubscriptionStage()
  expect(await feedctl('rollout', 'demo', '--timeout', '60s')).toMatchObject({ code: 0 })
}, 90_000)

afterAll(() => stage?.stop())

describe('feedctl subscriptions', () => {
  it('tells what is not as it should be, with reasons, and exits 1 below the threshold', async () => {
    const { code, out } = await feedctl('subscriptions', 'demo')
    expect({ code, out }).toMatchObject({
      code: 1,
      out: expect.stringContaining('✗ quickstart/demo: primary has 95.2% of 99.5%'),
    })
    expect(out).toMatch(/^primary\* +live +42 +40 +40 /m)
    expect(out).toMatch(/^SHFE\.zz2901 +primary +quarantined +2029-01 +- +16: /m)
    expect(out).toMatch(/^SHFE\.zz2512 +primary +quarantined +2025-12 +- +16: .*; its delivery month is over$/m)
    expect(out).not.toContain('rb29')
  })

  it('exits 0 where the threshold is met by what is selected', async () => {
    expect(await feedctl('subscriptions', 'demo', '--threshold', '0.9')).toMatchObject({ code: 0 })
    expect(await feedctl('subscriptions', 'demo', '--exclude', 'zz*')).toMatchObject({ code: 0 })
    expect(
      await feedctl('subscriptions', 'demo', '--include', 'SHFE.rb2901*,SHFE.rb2902*', '--state', 'acknowledged'),
    ).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^primary\* +live +8 +8 /m),
    })
  })

  it('exits 2 where it cannot tell', async () => {
    expect(await feedctl('subscriptions', 'demo', '--include', 'au*')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/leave/),
    })
    expect(await feedctl('subscriptions', 'demo', '--account', 'backup')).toMatchObject({ code: 2 })
    expect(await feedctl('subscriptions', 'demo', '--state', 'lost')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/silent/),
    })
    expect(await feedctl('subscriptions', 'demo', '--threshold', '2')).toMatchObject({ code: 2 })
    expect(await feedctl('subscriptions', 'nobody')).toMatchObject({ code: 2 })
  })

  it('writes JSON and CSV of all instruments', async () => {
    const { code, out } = await feedctl('subscriptions', 'demo', '-o', 'json')
    const page = JSON.parse(out) as { ok: boolean; threshold: number; account: string }
    expect({ code, ...page }).toMatchObject({ code: 1, ok: false, threshold: 0.995, account: 'primary' })
    expect(subscriptionsViewSchema.parse(page).accounts[0]?.items).toHaveLength(42)
    const lines = (await feedctl('subscriptions', 'demo', '-o', 'csv')).out.trimEnd().split('\r\n')
    expect(lines).toHaveLength(43)
    expect(lines[0]).toBe('instrument,exchange,account,state,reason,errorId,acknowledgedAt,lastTickAt,delivery')
    expect(lines.find(line => line.startsWith('zz2901'))).toMatch(/^zz2901,SHFE,primary,quarantined,"?16: .*,16,,,2029-01$/)
  })

  it('--dry-run says what a retry would ask for, and edits nothing', async () => {
    const result = await feedctl('subscriptions', 'demo', '--dry-run', '--batch', '1', '--rate', '5')
    expect(result).toMatchObject({
      code: 1,
      err: expect.stringMatching(/rejected, quarantined, silent: 2 on primary[\s\S]*batch=1&requestsPerSecond=5/),
    })
    expect(await readFile(stage.file, 'utf8')).toBe(stage.original)
    expect(await feedctl('subscriptions', 'demo', '--retry', '--include', 'rb*')).toMatchObject({
      code: 0,
      err: expect.stringContaining('nothing to ask for again'),
    })
    expect(await readFile(stage.file, 'utf8')).toBe(stage.original)
  })

  it('--retry edits one annotation, which the controller carries out once', async () => {
    const { code, out } = await feedctl(
      'subscriptions',
      'demo',
      '--retry',
      '--state',
      'quarantined',
      '--retries',
      '0',
      '--wait',
      '--threshold',
      '0.9',
    )
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining(stage.file) })
    const { resubscribe = '' } = await stage.requests()
    expect(parseResubscription(resubscribe)).toMatchObject({ request: { states: ['quarantined'], retries: 0 } })
    expect(await readFile(stage.file, 'utf8')).toContain(resubscribe)
    expect(await feedctl('diff')).toMatchObject({ code: 0, out: '' })
  })

  it('--retry brings a silent instrument back', async () => {
    const [instrument = ''] = known
    await stage.order({ stall: { instrument } })
    const silence = ['--include', instrument, '--silent-after', '2s']
    await until('the instrument to be silent', async () =>
      (await feedctl('subscriptions', 'demo', ...silence, '--state', 'silent')).out.includes(`SHFE.${instrument}`),
    )
    await stage.order({ resume: true })
    expect(await feedctl('subscriptions', 'demo', ...silence, '--retry', '--state', 'silent', '--wait')).toMatchObject({
      code: 0,
    })
  })
})

describe('feedctl calendar', () => {
  it('shows the next sessions of each group, nights and holidays named', async () => {
    const { code, out, err } = await feedctl('calendar', 'demo', '--at', '2026-09-29 12:00', '--days', '4')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n').slice(1)).toEqual([
      '',
      'SHFE.rb SHFE.zz  (42 instruments, delivery 2025-12 to 2029-10, 1 expired)',
      '  closed, opens 2026-09-29 20:55, in 8h55m',
      '  Tue 2026-09-29  night 21:00-23:00 (20260930)',
      '  Wed 2026-09-30  09:00-10:15, no night: a holiday follows',
      '  Thu 2026-10-01  closed: National Day',
      '  Fri 2026-10-02  closed: National Day',
      '',
    ])
    expect(out).toMatch(
      /^quickstart\/demo {2}china-futures, overrides calendar\.yaml {2}2026-09-29 12:00 Asia\/Shanghai, trading day 20260929, /,
    )
  })

  it('follows the override file, and answers JSON', async () => {
    const { code, out } = await feedctl('calendar', 'demo', '--days', '2', '-o', 'json')
    const view = calendarViewSchema.parse(JSON.parse(out))
    expect(code).toBe(0)
    expect(view.days.map(({ isTradingDay, name }) => ({ isTradingDay, name }))).toEqual(
      Array(2).fill({ isTradingDay: true, name: 'test' }),
    )
    expect(view.groups.map(({ open }) => open)).toEqual([true])
  })

  it('warns while the holidays of the next months are unknown', async () => {
    const { code, err } = await feedctl('calendar', 'demo', '--at', '2099-03-02')
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/^! holidays are known for 0 trading days only/) })
  })

  it('refuses what is no question', async () => {
    expect(await feedctl('calendar', 'demo', '--days', '61')).toMatchObject({ code: 2 })
    expect(await feedctl('calendar', 'demo', '--at', 'tomorrow')).toMatchObject({ code: 2 })
    expect(await feedctl('calendar', 'demo', '--at', '1990-01-01')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/between 2000/),
    })
    expect((await fetch(`${stage.controller.url}/api/v1/feeds/quickstart/none/calendar`)).status).toBe(404)
    expect((await fetch(`${stage.controller.url}/api/v1/feeds/quickstart/demo/subscriptions?limit=-1`)).status).toBe(400)
  })
})
