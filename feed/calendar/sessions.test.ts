import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCatalogue, windowsSchema } from '../../crds/contract/catalogue.ts'
import { desiredSchema } from '../../crds/contract/desired.ts'
import { desiredWith } from '../supervisor/testing.ts'
import { openCalendar } from './open.ts'

const wrong: [string, [string, string], RegExp][] = [
  ['a time without its zero', ['9:00:00', '10:00:00'], /write a time as HH:MM:SS/],
  ['a time that is none', ['09:00:00', '10:75:00'], /write a time as HH:MM:SS/],
  ['a window that ends before it begins', ['21:00:00', '02:30:00'], /ends before it begins/],
  ['a window of no length', ['09:00:00', '09:00:00'], /ends before it begins/],
]

describe('trading windows', () => {
  it.each(wrong)('with %s enter neither by a desired state nor by a catalogue', (_name, window, message) => {
    const windows = { day: [window] }
    const group = {
      exchange: 'SHFE',
      product: 'cu',
      class: 'future',
      multiplier: 5,
      priceTick: 10,
      windows,
      instruments: ['cu2101'],
    }
    const { live, ...desired } = desiredWith({})
    const result = desiredSchema.safeParse({ ...desired, live: { ...live, instrumentGroups: [group] } })
    expect(result.error?.issues[0]).toMatchObject({
      path: expect.arrayContaining(['live', 'instrumentGroups', 0, 'windows', 'day', 0]),
      message: expect.stringMatching(message),
    })
    const entry = {
      instrument_id: 'cu2101',
      exchange_id: 'SHFE',
      ins_class: 'FUTURE',
      product_id: 'cu',
      price_tick: 10,
      volume_multiple: 5,
    }
    expect(() => parseCatalogue(JSON.stringify([{ ...entry, trading_time: windows }]), 'c.json')).toThrow(message)
  })

  it('that were let in never make a calendar throw, whatever it is asked', () => {
    const clock = fc
      .tuple(fc.nat(39), fc.nat(59), fc.nat(59))
      .map(parts => parts.map(part => String(part).padStart(2, '0')).join(':'))
    const window = fc.tuple(clock, clock).map(([a, b]): [string, string] => (a < b ? [a, b] : [b, a]))
    const list = fc.array(window, { maxLength: 4 })
    const windows = fc.record({ day: list, night: fc.option(list, { nil: undefined }) })
    const moment = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2028) })
    const calendar = openCalendar({ type: 'china-futures' })
    fc.assert(
      fc.property(windows, moment, fc.nat(3 * 86_400_000), (given, at, ms) => {
        const result = windowsSchema.safeParse(given)
        fc.pre(result.success)
        const read = result.data
        if (read === undefined) return
        expect(calendar.openMs(read, at, at + ms)).toBeGreaterThanOrEqual(0)
        expect(typeof calendar.isOpen(read, at)).toBe('boolean')
        expect(calendar.nextChange(read, at) ?? at + 1).toBeGreaterThan(at)
      }),
    )
  })
})
