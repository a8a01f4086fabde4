import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { maxCalendarDays, minHorizonDays } from '../../crds/contract/calendar.ts'
import { deliveryMonthOf, deliveryText } from '../../crds/contract/delivery.ts'
import { openCalendar } from './open.ts'
import { noOverrides, parseOverrides } from './overrides.ts'
import { dateOf, parseDay, tradingDaysOf } from './tradingdays.ts'

// Holds docs/concepts/calendar.md to the code.
const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/concepts/calendar.md'), 'utf8')
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}+08:00`)
const days = tradingDaysOf(noOverrides)

describe('the page about the calendar', () => {
  it('has an override file that is read as it says', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
    const overrides = parseOverrides(yaml, 'page')
    const calendar = openCalendar({ type: 'china-futures' }, overrides)
    const usual = { day: [['09:00:00', '10:15:00']], night: [['21:00:00', '23:00:00']] } as Parameters<typeof calendar.isOpen>[0]
    const other = { ...usual, night: [['21:00:00', '26:30:00']] } as typeof usual
    expect(dateOf(calendar.days.knownUntil)).toBe('2027-12-31')
    expect(calendar.isOpen(usual, at('2027-02-08 09:30'))).toBe(false)
    expect(calendar.isOpen(usual, at('2027-02-04 21:30'))).toBe(false)
    expect(calendar.isOpen(usual, at('2026-12-05 09:30'))).toBe(true)
    expect(calendar.isOpen(usual, at('2027-01-05 21:30'))).toBe(false)
    expect(calendar.isOpen(usual, at('2027-01-13 00:30'))).toBe(true)
    expect(calendar.isOpen(other, at('2027-01-13 01:30'))).toBe(true)
  })

  it('names the version of the package that is installed, or one before, with the horizon that it gave', () => {
    const [, version = '', year = '', date = '', count = ''] =
      /Version (\S+) ends with (\d{4}), so on (\d+ \w+ \d{4}) it is (\d+)\./.exec(page) ?? []
    const installed = JSON.parse(readFileSync(join(root, 'node_modules/chinese-days/package.json'), 'utf8')) as {
      version: string
    }
    expect(Number(count)).toBeLessThan(minHorizonDays)
    const isInstalled = version === installed.version
    const known = tradingDaysOf(noOverrides)
    expect({ year: isInstalled ? dateOf(known.knownUntil) : `${year}-12-31` }).toEqual({ year: `${year}-12-31` })
    // Counted up to the end of the year that the page names, whatever the installed package knows.
    let counted = 0
    const asked = Math.round(Date.parse(`${date} UTC`) / 86_400_000)
    for (let day = known.after(asked); day <= parseDay(`${year}-12-31`); day = known.after(day)) counted++
    expect(counted).toBe(Number(count))
  })

  it('tells the rules as they are', () => {
    const windows = { day: [['09:00:00', '10:15:00']], night: [['21:00:00', '25:00:00']] } as const
    const calendar = openCalendar({ type: 'china-futures' })
    const isOpen = (text: string) => calendar.isOpen({ day: [[...windows.day[0]]], night: [[...windows.night[0]]] }, at(text))
    expect(page).toContain('08:55, 20:55')
    expect([isOpen('2026-11-24 08:54'), isOpen('2026-11-24 08:55'), isOpen('2026-11-24 20:55')]).toEqual([false, true, true])
    expect(page).toContain('the end is outside')
    expect(isOpen('2026-11-24 10:15')).toBe(false)
    expect(page).toContain('from 20:00 on the next trading day')
    expect([calendar.tradingDay(at('2026-11-24 19:59')), calendar.tradingDay(at('2026-11-24 20:00'))]).toEqual([
      '20261124',
      '20261125',
    ])
    expect(page).toContain("Friday's belongs to Monday")
    expect(calendar.tradingDay(at('2026-11-27 22:00'))).toBe('20261130')
    expect(page).toContain('2020-10 in August 2020, 2030-10 from November 2020 on')
    const months = ['2020-08-03 12:00', '2020-11-01 00:00'].map(time => deliveryMonthOf('CZCE', 'AP010', at(time)))
    expect(months.map(month => month && deliveryText(month))).toEqual(['2020-10', '2030-10'])
    expect(page).toContain('1\nJanuary, 1 and 2 May, 1 to 3 October'.replace('\n', ' '))
    const fixed = ['2099-01-01', '2099-05-01', '2099-10-01', '2099-10-02'].map(date => days.isTradingDay(parseDay(date)))
    expect(fixed).toEqual([false, false, false, false])
  })

  it('names the bounds as they are', () => {
    expect(page).toContain(`Below ${minHorizonDays} the feed says so`)
    const spans = (count: number) =>
      `{closed: [${Array.from({ length: count }, () => '{from: 2026-12-01, reason: x}').join(', ')}]}`
    expect(page).toContain('a list at most 400 entries')
    expect(parseOverrides(spans(400), 'x').closed).toHaveLength(400)
    expect(() => parseOverrides(spans(401), 'x')).toThrow()
    expect(page).toContain('A span of closed or open days has at most 31')
    expect(() => parseOverrides('closed: [{from: 2026-12-01, to: 2027-01-01, reason: x}]', 'x')).toThrow(/31 days/)
    expect(parseOverrides('closed: [{from: 2026-12-01, to: 2026-12-31, reason: x}]', 'x').closed).toHaveLength(1)
    expect(readFileSync(join(root, 'docs/feedctl.md'), 'utf8')).toContain(`at most ${maxCalendarDays}`)
  })
})
