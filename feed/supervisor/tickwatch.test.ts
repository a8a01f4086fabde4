import { describe, expect, it } from 'vitest'
import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { openCalendar } from '../calendar/open.ts'
import { type SessionSight, TickWatch } from './tickwatch.ts'

const thresholdMs = 60_000
const gold: TradingWindows = { day: [['09:00:00', '15:00:00']], night: [['21:00:00', '26:30:00']] }
const index: TradingWindows = { day: [['09:30:00', '15:00:00']] }
const groupOf = (exchange: InstrumentGroup['exchange'], windows: TradingWindows): InstrumentGroup => ({
  exchange,
  product: 'x',
  class: 'future',
  multiplier: 1,
  priceTick: 1,
  windows,
  instruments: [],
})
const groups = [groupOf('SHFE', gold), groupOf('CFFEX', index)]
const goldName = 'SHFE/21:00-02:30'
const calendar = openCalendar({ type: 'china-futures' })
const night = Date.parse('2026-11-24T22:00:00+08:00')

const sight = (account: SessionSight['account'], at: number, ticks: [string, number][], expectedSince = night): SessionSight => ({
  account,
  pulse: { at, ticks },
  expectedSince,
})

describe('the watch over ticks', () => {
  it('sees only groups in continuous trading: at night not the index', () => {
    const watch = new TickWatch()
    const found = watch.look(groups, calendar, thresholdMs, [sight('primary', night, [])], night)
    expect(found.map(({ group }) => group)).toEqual([goldName])
  })

  it('counts the silence of an account that has never ticked from when its gate opened', () => {
    const [gold] = new TickWatch().look(groups, calendar, thresholdMs, [sight('primary', night + 5000, [])], night)
    expect(gold?.silenceMs).toEqual({ primary: 5000 })
    expect(gold?.lastTickAt).toEqual({})
  })

  it('takes what a session has not told yet for no silence, and what a dead one cannot tell for silence', () => {
    const watch = new TickWatch()
    watch.look(groups, calendar, thresholdMs, [], night)
    const ticks: [string, number][] = [[goldName, night + 1000]]
    const late = watch.look(groups, calendar, thresholdMs, [sight('primary', night + 1500, ticks)], night + 9000)
    expect(late[0]?.silenceMs.primary).toBe(500)
    const dead: SessionSight = { account: 'primary', pulse: undefined, expectedSince: night }
    expect(watch.look(groups, calendar, thresholdMs, [dead], night + 9000)[0]?.silenceMs.primary).toBe(8000)
  })

  it('gives a group that is new its time', () => {
    const watch = new TickWatch()
    const primary = (at: number) => [sight('primary', at, [])]
    watch.look([groupOf('CFFEX', index)], calendar, thresholdMs, primary(night), night)
    const later = night + 3_600_000
    const [gold] = watch.look(groups, calendar, thresholdMs, primary(later + 2000), later)
    expect(gold?.silenceMs.primary).toBe(2000)
  })

  it('names a leader only where the lead is long and lasts', () => {
    const watch = new TickWatch()
    const look = (now: number, primary: number, backup: number) =>
      watch.look(
        groups,
        calendar,
        thresholdMs,
        [sight('primary', now, [[goldName, primary]]), sight('backup', now, [[goldName, backup]])],
        now,
      )[0]?.leader
    expect(look(night + 1000, night + 900, night + 100)).toBeUndefined()
    expect(look(night + 2000, night + 900, night + 1950)).toBeUndefined()
    expect(look(night + 2999, night + 900, night + 2950)).toBeUndefined()
    expect(look(night + 3000, night + 900, night + 2950)).toBe('backup')
    expect(look(night + 3100, night + 3050, night + 2950)).toBeUndefined()
  })

  it('names a silent group with the time of its newest tick, the same at each look, until it ticks or its session ends', () => {
    const watch = new TickWatch()
    const look = (now: number, tickAt: number) =>
      watch.look(groups, calendar, thresholdMs, [sight('primary', now, [[goldName, tickAt]])], now)
    look(night, night - 10_000)
    look(night + 59_999, night)
    expect(watch.silentOf('primary')).toEqual([])
    for (const ms of [60_000, 60_050, 75_123]) {
      look(night + ms, night)
      expect(watch.silentOf('primary')).toEqual([{ group: goldName, since: night }])
    }
    expect(watch.silentOf('backup')).toEqual([])
    look(night + 80_000, night + 79_999)
    expect(watch.silentOf('primary')).toEqual([])
    look(night + 200_000, night + 79_999)
    expect(watch.silentOf('primary')).toHaveLength(1)
    look(Date.parse('2026-11-25T02:30:00+08:00') + 1, night + 79_999)
    expect(watch.silentOf('primary')).toEqual([])
    const open = Date.parse('2026-11-25T09:00:00+08:00')
    look(open + 1000, night + 79_999)
    expect(watch.silentOf('primary')).toEqual([])
    look(open + 61_000, night + 79_999)
    expect(watch.silentOf('primary')).toContainEqual({ group: goldName, since: open })
  })

  it('counts a stall once, and again after ticks came', () => {
    const watch = new TickWatch()
    const look = (now: number, tick: number) =>
      watch.look(groups, calendar, thresholdMs, [sight('primary', now, [[goldName, tick]])], now)
    look(night, night)
    look(night + 60_000, night)
    look(night + 61_000, night)
    expect([...watch.stalls.values()]).toEqual([{ account: 'primary', group: goldName, count: 1 }])
    look(night + 62_000, night + 61_500)
    look(night + 125_000, night + 61_500)
    expect([...watch.stalls.values()]).toEqual([{ account: 'primary', group: goldName, count: 2 }])
  })
})
