import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { openCalendar } from '../calendar/open.ts'
import { Failovers } from './failovers.ts'
import type { Supervisor } from './supervisor.ts'
import { desiredWith } from './testing.ts'
import { TickWatch } from './tickwatch.ts'
import { addTradingMetrics } from './tradingmetrics.ts'

const groupOf = (exchange: InstrumentGroup['exchange'], windows: InstrumentGroup['windows'], instruments: string[]) => ({
  ...{ exchange, windows, instruments, product: 'x', class: 'future' as const, multiplier: 1, priceTick: 1 },
})
const gold = groupOf(
  'SHFE',
  {
    day: [
      ['09:00:00', '11:30:00'],
      ['13:30:00', '15:00:00'],
    ],
    night: [['21:00:00', '26:30:00']],
  },
  ['a', 'b'],
)
const index = groupOf(
  'CFFEX',
  {
    day: [
      ['09:30:00', '11:30:00'],
      ['13:00:00', '15:00:00'],
    ],
  },
  ['c', 'd', 'e'],
)

/** A feed on gold and index futures, with a flip whose first tick came so long after its order. */
function feedWith(flip?: { firstTickAt: string; firstTickMs: number }): Supervisor {
  const failovers = new Failovers()
  if (flip) {
    failovers.begin('primary', 'backup', 2, 'declared')
    failovers.firstTickAt = Date.parse(flip.firstTickAt)
    if (failovers.last) failovers.last.phases.firstTickMs = flip.firstTickMs
  }
  const { live, launch } = desiredWith({})
  const desired = desiredWith({ launch, live: { ...live, instrumentGroups: [gold, index] } })
  const calendar = openCalendar({ type: 'china-futures' })
  return {
    desired,
    calendar,
    failovers,
    tickWatch: new TickWatch(),
    openGate: undefined,
    isMoving: false,
  } as unknown as Supervisor
}

async function valueAt(time: string, metric: string, supervisor = feedWith()): Promise<number | undefined> {
  const registry = new Registry()
  addTradingMetrics(registry, supervisor, () => Date.parse(time))
  return (await registry.getSingleMetric(metric)?.get())?.values[0]?.value
}

describe('the instruments in session', () => {
  it.each([
    ['in the morning', '2026-11-24T10:00:00+08:00', 5],
    ['at lunch', '2026-11-24T12:00:00+08:00', 0],
    ['where one exchange begins its afternoon earlier', '2026-11-24T13:10:00+08:00', 3],
    ['at night', '2026-11-24T22:00:00+08:00', 2],
    ['on a holiday', '2026-10-01T10:00:00+08:00', 0],
  ])('%s', async (_, time, count) => {
    expect(await valueAt(time, 'md_instruments_in_session')).toBe(count)
  })
})

describe('the latency of the last failover', () => {
  it('is none where nothing has moved', async () => {
    expect(await valueAt('2026-11-24T10:00:00+08:00', 'md_failover_latency_seconds')).toBe(0)
  })

  it('is the time to the first tick in continuous trading', async () => {
    const flip = { firstTickAt: '2026-11-24T10:00:00+08:00', firstTickMs: 6000 }
    expect(await valueAt('2026-11-24T10:01:00+08:00', 'md_failover_latency_seconds', feedWith(flip))).toBe(6)
  })

  it('counts no break that the gate moved in', async () => {
    const flip = { firstTickAt: '2026-11-24T13:00:00.500+08:00', firstTickMs: 3_600_500 }
    expect(await valueAt('2026-11-24T13:01:00+08:00', 'md_failover_latency_seconds', feedWith(flip))).toBeCloseTo(0.5)
  })
})
