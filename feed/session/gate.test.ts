import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Tick } from '../../crds/contract/tick.ts'
import { openCalendar } from '../calendar/open.ts'
import type { Depth } from '../gateways/depth.ts'
import type { NumberedPush } from '../publish/numbered.ts'
import { messageIdOf, tickOf } from '../publish/tick.ts'
import { Gate } from './gate.ts'
import { maxHeldTicks } from './held.ts'
import { type Line, linesOf } from './line.ts'
import { emptyPosition } from './position.ts'
import { depthWith, groupOf } from './testing.ts'

const receivedAt = Date.UTC(2020, 7, 3, 2)
const instruments = ['AP010', 'AP011']

type Published = { tick: Tick; messageId: string }

function account(name: 'primary' | 'backup', bus: Published[]) {
  const lines = new Map<string, Line>()
  for (const line of linesOf([groupOf(instruments)], lines)) line.wanted = true
  const calendar = openCalendar({ type: 'always' })
  const source = { feed: 'n/f', account: name }
  const publish = (push: NumberedPush) => bus.push({ tick: tickOf(source, push), messageId: messageIdOf(push) })
  const gate = new Gate({ lines, calendar, publish })
  const push = (depth: Depth, snapshot = false, at = receivedAt) =>
    gate.observe(lines.get(depth.InstrumentID) as Line, depth, at, snapshot)
  /** Ticks that were received at their exchange time. */
  const pushInTime = (...seconds: number[]) => {
    for (const second of seconds) push(tickAt(second, second), false, secondAt(second))
  }
  const line = lines.get('AP010') as Line
  line.seen = true
  return { gate, push, pushInTime, line }
}

function openFirst(gate: Gate): void {
  gate.open(1, emptyPosition(receivedAt), () => undefined)
}

const tickAt = (second: number, bid: number, volume = second): Depth =>
  depthWith({ UpdateTime: `10:00:${String(second).padStart(2, '0')}`, Volume: volume, BidPrice: [bid], BidVolume: [1] })

const secondAt = (second: number): number => receivedAt + second * 1000

const bidsOn = (bus: Published[]): number[] => bus.map(({ tick }) => tick.bids[0]?.[0] ?? 0)

describe('a gate', () => {
  it('publishes nothing while it is closed', () => {
    const bus: Published[] = []
    account('primary', bus).push(tickAt(1, 1))
    expect(bus).toEqual([])
  })

  it('numbers the ticks of each instrument from 1', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    openFirst(gate)
    push(tickAt(1, 1))
    push({ ...tickAt(1, 1), InstrumentID: 'AP011' })
    push(tickAt(2, 2))
    expect(bus.map(({ tick }) => [tick.instrument, tick.sequence])).toEqual([
      ['AP010', 1],
      ['AP011', 1],
      ['AP010', 2],
    ])
  })

  it('leaves out a push that repeats the one before', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    openFirst(gate)
    push(tickAt(1, 1))
    push(tickAt(1, 1))
    expect(bus).toHaveLength(1)
    expect(gate.counters.duplicates).toBe(1)
  })

  it('publishes a quote that goes away and comes back within a second of CZCE, under ids of their own', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    openFirst(gate)
    for (const bid of [1, 2, 1, 2, 1]) push(tickAt(1, bid))
    expect(bidsOn(bus)).toEqual([1, 2, 1, 2, 1])
    expect(new Set(bus.map(({ messageId }) => messageId)).size).toBe(5)
  })

  it('goes on after the newest tick of the other account that it holds', () => {
    const bus: Published[] = []
    const primary = account('primary', bus)
    const backup = account('backup', bus)
    openFirst(primary.gate)
    for (const second of [1, 2]) primary.push(tickAt(second, second))
    for (const second of [1, 2, 3]) backup.push(tickAt(second, second))
    const opening = backup.gate.open(2, primary.gate.close(receivedAt), () => undefined)
    backup.push(tickAt(4, 4))
    expect(opening).toMatchObject({ released: 1, overrun: [] })
    expect(bidsOn(bus)).toEqual([1, 2, 3, 4])
    expect(bus.map(({ tick }) => [tick.sequence, tick.epoch])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
    ])
  })

  it('names the instruments of which it may have lost ticks because it holds too few', () => {
    const bus: Published[] = []
    const primary = account('primary', bus)
    const backup = account('backup', bus)
    openFirst(primary.gate)
    primary.push(tickAt(1, 1))
    for (let second = 1; second <= maxHeldTicks + 2; second++) backup.push(tickAt(second, second))
    const opening = backup.gate.open(2, primary.gate.close(receivedAt), () => undefined)
    expect(opening.overrun).toEqual(['AP010'])
    expect(bidsOn(bus)).toEqual([1, 3, 4, 5, 6])
  })

  it('says since when they may be lost where the other account had long been silent', () => {
    const primary = account('primary', [])
    const backup = account('backup', [])
    openFirst(primary.gate)
    primary.pushInTime(1, 2)
    backup.pushInTime(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    const { overrun, from } = backup.gate.open(2, primary.gate.close(secondAt(12)), () => undefined)
    expect(overrun).toEqual(['AP010'])
    expect(from).toBeGreaterThanOrEqual(secondAt(-1))
    expect(from).toBeLessThanOrEqual(secondAt(3))
  })

  it('names the instruments of which both accounts have missed ticks', () => {
    const primary = account('primary', [])
    const backup = account('backup', [])
    openFirst(primary.gate)
    primary.pushInTime(1, 2)
    backup.pushInTime(1, 2)
    backup.line.lostAt = secondAt(3)
    backup.push(tickAt(5, 5), true, secondAt(5))
    const opening = backup.gate.open(2, primary.gate.close(secondAt(6)), () => undefined)
    expect(opening).toEqual({ released: 1, overrun: ['AP010'], from: secondAt(2) })
  })

  it('waits for the login where its own connection is lost when it opens, and names what it has missed then', () => {
    const bus: Published[] = []
    const primary = account('primary', bus)
    const backup = account('backup', bus)
    openFirst(primary.gate)
    primary.pushInTime(1, 2)
    backup.pushInTime(1, 2)
    Object.assign(backup.line, { seen: false, lostAt: secondAt(3) })
    expect(backup.gate.open(2, primary.gate.close(secondAt(4)), () => undefined).overrun).toEqual([])
    backup.push(tickAt(5, 5), true, secondAt(5))
    expect(backup.gate.takeUnmatched().lost).toEqual({ instruments: ['AP010'], from: secondAt(3) })
    expect(bidsOn(bus)).toEqual([1, 2, 5])
  })

  it('remembers the first loss of an instrument that was not pushed between two', () => {
    const { gate, pushInTime } = account('primary', [])
    openFirst(gate)
    pushInTime(1)
    gate.anchor(secondAt(2))
    gate.anchor(secondAt(8))
    pushInTime(9)
    expect(gate.takeUnmatched().lost).toEqual({ instruments: ['AP010'], from: secondAt(2) })
  })

  it('waits for a front that lags until it is past the newest published tick', () => {
    const bus: Published[] = []
    const primary = account('primary', bus)
    const backup = account('backup', bus)
    openFirst(primary.gate)
    for (const second of [1, 2, 3]) primary.push(tickAt(second, second))
    backup.push(tickAt(1, 1))
    backup.gate.open(2, primary.gate.close(receivedAt), () => undefined)
    for (const second of [2, 3, 4]) backup.push(tickAt(second, second))
    expect(bidsOn(bus)).toEqual([1, 2, 3, 4])
    expect(backup.gate.takeUnmatched().takenOver.instruments).toEqual([])
  })

  it('reports an instrument whose stream jumps over the newest published tick', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    openFirst(gate)
    push(tickAt(1, 1))
    gate.anchor(secondAt(2))
    push(tickAt(3, 3), true)
    expect(bidsOn(bus)).toEqual([1, 3])
    expect(bus[1]?.tick.snapshot).toBe(true)
    expect(gate.takeUnmatched().lost).toEqual({ instruments: ['AP010'], from: secondAt(2) })
    expect(gate.takeUnmatched().lost.instruments).toEqual([])
  })

  it('does not publish the stale snapshot of a reconnect again', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    openFirst(gate)
    for (const second of [1, 2]) push(tickAt(second, second))
    gate.anchor(secondAt(2))
    push(tickAt(1, 1), true)
    push(tickAt(2, 2))
    push(tickAt(3, 3))
    expect(bidsOn(bus)).toEqual([1, 2, 3])
  })

  it('tells no gap where the front pushes on the first morning after a holiday what was published last before it', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    const close = { UpdateTime: '15:00:00', Volume: 7 }
    openFirst(gate)
    push(depthWith({ ...close, TradingDay: '20260930', ActionDay: '20260930' }), false, Date.parse('2026-09-30T15:00:00+08:00'))
    gate.anchor(Date.parse('2026-09-30T15:30:00+08:00'))
    const old = depthWith({ ...close, TradingDay: '20261008', ActionDay: '20261008' })
    push(old, true, Date.parse('2026-10-08T08:30:00+08:00'))
    expect(gate.takeUnmatched().lost.instruments).toEqual([])
    expect(bus.length).toBe(1)
  })

  it('takes a recording that starts again for new ticks', () => {
    const bus: Published[] = []
    const { gate, push } = account('primary', bus)
    openFirst(gate)
    gate.round = 7
    push(tickAt(50, 1))
    gate.anchor(secondAt(2))
    gate.round = 8
    push(tickAt(1, 2))
    expect(bidsOn(bus)).toEqual([1, 2])
    expect(bus[0]?.tick.exchangeTime).toBe('2020-08-03T10:00:50.000+08:00')
  })

  it('never uses a sequence twice after a crash, of which only a checkpoint is known', () => {
    const bus: Published[] = []
    const primary = account('primary', bus)
    openFirst(primary.gate)
    primary.push(tickAt(1, 1))
    const checkpoint = primary.gate.checkpoint(receivedAt)
    for (const second of [2, 3]) primary.push(tickAt(second, second))
    const restarted = account('primary', bus)
    restarted.gate.open(1, checkpoint, () => undefined)
    restarted.push(tickAt(4, 4))
    const sequences = bus.map(({ tick }) => tick.sequence)
    expect(new Set(sequences).size).toBe(4)
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
  })

  it('gives both accounts the same message id for the same tick', () => {
    const bus: Published[] = []
    for (const name of ['primary', 'backup'] as const) {
      const { gate, push } = account(name, bus)
      openFirst(gate)
      push({ ...tickAt(1, 1), ActionDay: name === 'primary' ? '20200803' : '20200804' })
    }
    expect(bus[0]?.messageId).toBe(bus[1]?.messageId)
    expect(bus[0]?.messageId).toMatch(/^20200803-CZCE-AP010-1596420001000-[0-9a-z]+$/)
  })
})

// Two sessions see one stream, each at its own pace: the muted one may be at most as far ahead as a gate holds ticks, and behind
// by any number. The gate flips at arbitrary moments. In the end the slower one catches up.
describe('two accounts under arbitrary flips', () => {
  const streamOf = (steps: { later: boolean; bid: number; trade: boolean; other: boolean }[]): Depth[] => {
    const at = { AP010: { second: 1, volume: 0 }, AP011: { second: 1, volume: 0 } }
    const last = new Map<string, string>()
    return steps.flatMap(({ later, bid, trade, other }) => {
      const name = other ? 'AP011' : 'AP010'
      const clock = at[name]
      if (later) clock.second = Math.min(59, clock.second + 1)
      if (trade) clock.volume++
      const depth = { ...tickAt(clock.second, bid, clock.volume), InstrumentID: name }
      const content = JSON.stringify(depth)
      if (last.get(name) === content) return []
      last.set(name, content)
      return [depth]
    })
  }
  const step = fc.record({ later: fc.boolean(), bid: fc.integer({ min: 1, max: 3 }), trade: fc.boolean(), other: fc.boolean() })
  const move = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('primary', 'backup') },
    { weight: 2, arbitrary: fc.constant('flip') },
  )

  it('publish exactly the stream, in order, once', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.array(move, { maxLength: 250, size: 'max' }),
        (steps, moves) => {
          const stream = streamOf(steps)
          const bus: Published[] = []
          const accounts = { primary: account('primary', bus), backup: account('backup', bus) }
          const seen = { primary: 0, backup: 0 }
          let [active, muted, epoch] = ['primary' as 'primary' | 'backup', 'backup' as 'primary' | 'backup', 1]
          openFirst(accounts.primary.gate)
          const advance = (name: 'primary' | 'backup') => {
            const next = stream[seen[name]]
            if (next === undefined || (name === muted && seen[muted] - seen[active] >= maxHeldTicks - 1)) return
            seen[name]++
            accounts[name].push(next)
          }
          const flip = () => {
            const position = accounts[active].gate.close(receivedAt)
            ;[active, muted, epoch] = [muted, active, epoch + 1]
            accounts[active].gate.open(epoch, position, () => undefined)
          }
          for (const next of moves) next === 'flip' ? flip() : advance(next as 'primary' | 'backup')
          while (seen[active] < stream.length) advance(active)
          const contents = (depths: Depth[], name: string) =>
            depths.filter(depth => depth.InstrumentID === name).map(depth => [depth.UpdateTime, depth.Volume, depth.BidPrice[0]])
          for (const name of instruments) {
            const ticks = bus.map(({ tick }) => tick).filter(tick => tick.instrument === name)
            expect(ticks.map(tick => [tick.exchangeTime?.slice(11, 19), tick.volume, tick.bids[0]?.[0]])).toEqual(
              contents(stream, name),
            )
            expect(ticks.map(tick => tick.sequence)).toEqual(ticks.map((_tick, index) => index + 1))
          }
          expect(new Set(bus.map(({ messageId }) => messageId)).size).toBe(bus.length)
        },
      ),
      { numRuns: 500 },
    )
  })
})
