import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Launch } from '../../crds/contract/desired.ts'
import { openCalendar } from '../calendar/open.ts'
import { noOverrides } from '../calendar/overrides.ts'
import type { SessionEvent } from '../session/message.ts'
import { HorizonWatch } from './horizon.ts'
import type { Supervisor } from './supervisor.ts'
import { desiredWith } from './testing.ts'

const dayMs = 86_400_000
/** A day of which no package knows the holidays. */
const unknown = Date.parse('2098-06-02T12:00:00+08:00')

let watch: HorizonWatch | undefined
beforeEach(() => void vi.useFakeTimers({ now: unknown }))
afterEach(() => {
  watch?.stop()
  vi.useRealTimers()
})

/** What a feed with this calendar says of it, from its start on. */
function saidWith(calendar: Launch['calendar'], overrides?: Parameters<typeof openCalendar>[1]): SessionEvent[] {
  const said: SessionEvent[] = []
  const { launch, ...rest } = desiredWith({})
  const desired = { ...rest, launch: { ...launch, calendar } }
  const feed = { desired, calendar: openCalendar(calendar, overrides), say: (event: SessionEvent) => void said.push(event) }
  watch = new HorizonWatch(feed as unknown as Supervisor)
  return said
}

describe('a feed whose holidays are not known for long', () => {
  it('says CalendarHorizonShort at its start, and once a day', () => {
    const said = saidWith({ type: 'china-futures' })
    expect(said).toMatchObject([{ type: 'Warning', reason: 'CalendarHorizonShort', fields: { days: 0 } }])
    vi.advanceTimersByTime(dayMs - 1)
    expect(said).toHaveLength(1)
    vi.advanceTimersByTime(3_600_000)
    expect(said.map(({ reason }) => reason)).toEqual(['CalendarHorizonShort', 'CalendarHorizonShort'])
  })

  it('says nothing where no holiday closes the market', () => {
    expect(saidWith({ type: 'always' })).toEqual([])
  })

  it('says nothing where an override file knows more', () => {
    expect(saidWith({ type: 'china-futures' }, { ...noOverrides, knownUntil: '2098-12-31' })).toEqual([])
  })
})
