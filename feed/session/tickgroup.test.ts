import { describe, expect, it } from 'vitest'
import type { TradingWindows } from '../../crds/contract/catalogue.ts'
import { maxTickGroups, tickGroupsOf } from './tickgroup.ts'

const day: TradingWindows['day'] = [
  ['09:00:00', '10:15:00'],
  ['10:30:00', '15:00:00'],
]
const gold: TradingWindows = { day, night: [['21:00:00', '26:30:00']] }

describe('groups of ticks', () => {
  it('are named for their exchange and session', () => {
    const windows = [gold, { day }, { day, night: [] }]
    expect(tickGroupsOf(windows.map(windows => ({ exchange: 'SHFE', windows }))).map(({ name }) => name)).toEqual([
      'SHFE/21:00-02:30',
      'SHFE/09:00-15:00',
      'SHFE/09:00-15:00',
    ])
  })

  it('are one where exchange and windows are the same, and two where either differs', () => {
    const [a, b, c, d] = tickGroupsOf([
      { exchange: 'SHFE', windows: gold },
      { exchange: 'SHFE', windows: structuredClone(gold) },
      { exchange: 'INE', windows: gold },
      { exchange: 'SHFE', windows: { day: [['09:00:00', '11:00:00']], night: [['21:00:00', '26:30:00']] } },
    ])
    expect(b).toBe(a)
    expect(new Set([a, c, d]).size).toBe(3)
    expect(new Set([a, c, d].map(group => group?.name)).size).toBe(3)
  })

  it('keep their newest tick over a change of the desired state', () => {
    const known = tickGroupsOf([{ exchange: 'SHFE', windows: gold }])
    for (const group of known) group.lastTickAt = 7
    const next = tickGroupsOf(
      [
        { exchange: 'SHFE', windows: { day } },
        { exchange: 'SHFE', windows: gold },
      ],
      known,
    )
    expect(next.map(({ lastTickAt }) => lastTickAt)).toEqual([0, 7])
  })

  it('are bounded, as their names are labels', () => {
    const many = Array.from({ length: maxTickGroups + 5 }, (_, i) => ({
      exchange: 'DCE' as const,
      windows: { day: [['09:00:00', `10:${String(i).padStart(2, '0')}:00`]] } as TradingWindows,
    }))
    const names = tickGroupsOf(many).map(({ name }) => name)
    expect(new Set(names).size).toBe(maxTickGroups + 1)
    expect(names.at(-1)).toBe('other')
  })
})
