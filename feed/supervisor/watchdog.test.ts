import { describe, expect, it } from 'vitest'
import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import { openCalendar } from '../calendar/open.ts'
import { silenceOf } from './market.ts'
import { TickWatch } from './tickwatch.ts'
import { decide, type GroupSight, type Seat, type Watch } from './watchdog.ts'

const thresholdMs = 60_000
const live: Seat = { account: 'primary', state: 'live', isRefused: false, coverage: 1, reconnectedAtMs: undefined }
const standby: Seat = { ...live, account: 'backup' }

/** A group: how long each account is silent, and who is ahead. */
const sight = (group: string, primary: number, backup: number, leader?: 'primary' | 'backup'): GroupSight => ({
  group,
  silenceMs: { primary, backup },
  lastTickAt: {},
  leader,
})
const fine = sight('DCE', 100, 200)
const stalled = (ms: number): GroupSight => sight('SHFE', ms, 300, 'backup')

const seen = (groups: GroupSight[], changes: Partial<Watch> = {}): Watch => ({
  enabled: true,
  thresholdMs,
  active: live,
  other: standby,
  groups,
  flippedAgoMs: undefined,
  ...changes,
})

/** Decisions in short: `reconnect primary SHFE`. */
const steps = (watch: Watch): string[] =>
  decide(watch).map(one => {
    if (one.type === 'reconnect') return `reconnect ${one.account} ${one.sight.group}`
    if (one.type === 'flip') return `flip to ${one.to} for ${one.sight.group}`
    return one.type === 'held' ? `held: ${one.why}` : `silent ${one.sight.group}`
  })

const cases: [name: string, watch: Watch, steps: string[]][] = [
  ['nothing while all groups tick', seen([fine]), []],
  ['nothing where no group is in session', seen([]), []],
  ['nothing where it is switched off', seen([fine, stalled(70_000)], { enabled: false }), []],
  ['nothing under half the threshold', seen([fine, stalled(29_999)]), []],
  ['a new connection at half the threshold', seen([fine, stalled(30_000)]), ['reconnect primary SHFE']],
  [
    'nothing more while the new connection has its time',
    seen([fine, stalled(59_999)], { active: { ...live, state: 'subscribing', reconnectedAtMs: 30_000 } }),
    [],
  ],
  ['a flip at the threshold', seen([fine, stalled(60_000)]), ['flip to backup for SHFE']],
  [
    'a flip for the group that is stalled for the longest time',
    seen([stalled(60_000), sight('INE', 90_000, 10, 'backup')]),
    ['flip to backup for INE'],
  ],
  [
    'a flip away from a connection that is gone',
    seen([stalled(60_000)], { active: { ...live, state: 'connecting', coverage: 0 } }),
    ['flip to backup for SHFE'],
  ],
  [
    'a flip at once away from an account that is refused for good',
    seen([stalled(2000)], { active: { ...live, state: 'failed', isRefused: true } }),
    ['flip to backup for SHFE'],
  ],
  [
    'no flip to an account that is not live',
    seen([fine, stalled(60_000)], { other: { ...standby, state: 'waiting' }, active: { ...live, reconnectedAtMs: 30_001 } }),
    ['held: backup is waiting'],
  ],
  [
    'no flip to an account that covers less',
    seen([fine, stalled(60_000)], { other: { ...standby, coverage: 0.9 }, active: { ...live, reconnectedAtMs: 30_001 } }),
    ['held: backup covers less'],
  ],
  [
    'no flip to an account that is behind in another group, which reconnects instead',
    seen([stalled(60_000), sight('DCE', 100, 61_000, 'primary')], { active: { ...live, reconnectedAtMs: 30_001 } }),
    ['held: backup is silent in DCE', 'reconnect backup DCE'],
  ],
  [
    'no second flip within two thresholds',
    seen([fine, stalled(60_000)], { flippedAgoMs: 119_999, active: { ...live, reconnectedAtMs: 30_001 } }),
    ['held: the last flip is less than 120 s ago'],
  ],
  ['a second flip after two thresholds', seen([fine, stalled(60_000)], { flippedAgoMs: 120_000 }), ['flip to backup for SHFE']],
  [
    'no flip for a group that is silent on both accounts, but a word about it',
    seen([fine, sight('SHFE', 300_000, 300_000)]),
    ['silent SHFE'],
  ],
  ['no flip to a tick that is old itself', seen([fine, sight('SHFE', 300_000, 40_000, 'backup')]), ['silent SHFE']],
  [
    'a new connection where everything is silent and nobody knows better',
    seen([sight('DCE', 60_000, 60_000), sight('SHFE', 61_000, 61_000)]),
    ['reconnect primary SHFE'],
  ],
  ['a new connection without another account', seen([sight('DCE', 60_000, 0)], { other: undefined }), ['reconnect primary DCE']],
  [
    'the next new connection when the silence has doubled, not before',
    seen([sight('DCE', 119_999, 119_999)], { active: { ...live, reconnectedAtMs: 60_000 } }),
    [],
  ],
  [
    'the next new connection when the silence has doubled',
    seen([sight('DCE', 120_000, 120_000)], { active: { ...live, reconnectedAtMs: 60_000 } }),
    ['reconnect primary DCE'],
  ],
  [
    'a new connection for a standby that is behind, so that there is a way back',
    seen([fine, sight('SHFE', 100, 60_000, 'primary')]),
    ['reconnect backup SHFE'],
  ],
]

describe('the watchdog orders', () => {
  it.each(cases)('%s', (_name, watch, expected) => {
    expect(steps(watch)).toEqual(expected)
  })
})

const copper: TradingWindows = {
  day: [
    ['09:00:00', '10:15:00'],
    ['10:30:00', '11:30:00'],
    ['13:30:00', '15:00:00'],
  ],
  night: [['21:00:00', '25:00:00']],
}
const calendar = openCalendar({ type: 'china-futures' })
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}+08:00`)

describe('silence', () => {
  it.each([
    ['2026-11-24 09:30:00', '2026-11-24 09:31:00', 60_000, 'is the time since the tick in a window'],
    ['2026-11-24 11:29:40', '2026-11-24 11:45:00', 0, 'ends at lunch'],
    ['2026-11-24 11:29:40', '2026-11-24 13:30:25', 25_000, 'counts from the open after lunch'],
    ['2026-11-24 10:10:00', '2026-11-24 10:30:05.500', 5500, 'counts from the open after the tea break'],
    ['2026-11-23 14:59:00', '2026-11-24 08:59:00', 0, 'is none before the open, nor in the auction'],
    ['2026-11-23 14:59:00', '2026-11-23 21:00:10', 10_000, 'counts from the open of the night'],
    ['2026-11-24 23:59:30', '2026-11-25 00:00:30', 60_000, 'goes on over midnight'],
    ['2026-09-30 14:59:00', '2026-10-03 10:00:00', 0, 'is none on a holiday'],
    ['2026-11-28 00:59:00', '2026-11-30 09:00:30', 30_000, 'counts from the open on Monday'],
  ])('from %s to %s: %i ms, as it %s', (from, to, ms) => {
    expect(silenceOf(calendar, copper, at(from), at(to))).toBe(ms)
  })
})

/** Both accounts for three hours around a moment, the active one without any tick after `stallAt`; the decisions with their time. */
function decisionsAround(from: string, to: string, ticks: (account: 'primary' | 'backup', now: number) => boolean): string[] {
  const watch = new TickWatch()
  const groups = [
    {
      exchange: 'SHFE' as const,
      windows: copper,
      product: 'cu',
      class: 'future' as const,
      multiplier: 5,
      priceTick: 10,
      instruments: ['cu2701'],
    },
  ]
  const last = { primary: 0, backup: 0 }
  const found: string[] = []
  for (let now = at(from); now <= at(to); now += 250) {
    for (const account of ['primary', 'backup'] as const)
      if (calendar.openMs(copper, now - 1, now) > 0 && ticks(account, now)) last[account] = now
    const sessions = (['primary', 'backup'] as const).map(account => ({
      account,
      pulse: { at: now, ticks: [['SHFE/21:00-01:00', last[account]]] as [string, number][] },
      expectedSince: at(from),
    }))
    const sights = watch.look(groups, calendar, thresholdMs, sessions, now)
    const said = steps(seen(sights)).map(step => `${new Date(now + 8 * 3_600_000).toISOString().slice(11, 19)} ${step}`)
    found.push(...said)
    if (said.some(step => step.includes('flip'))) break
  }
  return found
}

describe('the watchdog with the calendar', () => {
  it('decides nothing from before the open to after the close while both tick, lunch and breaks included', () => {
    expect(decisionsAround('2026-11-24 08:30:00', '2026-11-24 16:00:00', () => true)).toEqual([])
  })

  it.each([
    ['lunch', '2026-11-24 11:29:55', '2026-11-24 13:29:59'],
    ['a holiday', '2026-09-30 14:59:55', '2026-10-02 12:00:00'],
    ['the morning before the open', '2026-11-24 07:00:00', '2026-11-24 09:00:29'],
  ])('decides nothing at %s, although nothing has ticked', (_name, from, to) => {
    expect(decisionsAround(from, to, () => false)).toEqual([])
  })

  it('reconnects half a threshold after the stall, and flips at the threshold', () => {
    const stallAt = at('2026-11-24 09:30:00')
    const found = decisionsAround(
      '2026-11-24 09:00:00',
      '2026-11-24 10:00:00',
      (account, now) => account === 'backup' || now <= stallAt,
    )
    expect(found[0]).toBe('09:30:30 reconnect primary SHFE/21:00-01:00')
    expect(found.at(-1)).toBe('09:31:00 flip to backup for SHFE/21:00-01:00')
  })

  it('counts a stall over lunch from the open of the afternoon', () => {
    const stallAt = at('2026-11-24 11:29:50')
    const found = decisionsAround(
      '2026-11-24 11:00:00',
      '2026-11-24 14:00:00',
      (account, now) => account === 'backup' || now <= stallAt,
    )
    expect(found[0]).toBe('13:30:30 reconnect primary SHFE/21:00-01:00')
    expect(found.at(-1)).toBe('13:31:00 flip to backup for SHFE/21:00-01:00')
  })

  it('takes a rare tick that one account gets a little earlier for no stall of the other', () => {
    const period = 65_000
    const open = at('2026-11-24 09:00:01')
    const ticks = (account: 'primary' | 'backup', now: number) => (now - open) % period === (account === 'backup' ? 0 : 500)
    const found = decisionsAround('2026-11-24 09:00:00', '2026-11-24 09:20:00', ticks)
    expect(found.filter(step => !step.includes('reconnect primary'))).toEqual([])
    expect(found.filter(step => step.includes('flip'))).toEqual([])
  })
})
