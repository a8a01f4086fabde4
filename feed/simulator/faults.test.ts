import { afterEach, describe, expect, it } from 'vitest'
import { type Depth, noValue } from '../gateways/depth.ts'
import { secondOfDay } from '../gateways/tickrecord.ts'
import type { Witness } from '../gateways/witness.ts'
import type { SimulatorOptions } from './simulator.ts'
import { Stage, secretsOf } from './stage.ts'
import { defaultUniverse } from './universe.ts'

const hourMs = 3_600_000

describe('faults of pushes', () => {
  let stage: Stage
  afterEach(() => stage.close())

  async function open(options?: SimulatorOptions): Promise<Stage> {
    stage = await Stage.open(options)
    return stage
  }

  const depths = (witness: Witness): Depth[] => witness.all('depth').map(({ depth }) => depth)
  const ids = (witness: Witness, from: number): string[] =>
    depths(witness)
      .slice(from)
      .map(depth => depth.InstrumentID)
  const moment = ({ UpdateTime, UpdateMillisec }: Depth): number => secondOfDay(UpdateTime) * 1000 + UpdateMillisec

  /** Waits for so many more ticks of one instrument, and returns those of another that came meanwhile. */
  async function meanwhile(witness: Witness, ticking: string, more: number, watched: string): Promise<Depth[]> {
    const [until, from] = [witness.ticksOf(ticking).length + more, witness.ticksOf(watched).length]
    await witness.until(() => witness.ticksOf(ticking).length >= until)
    return witness.ticksOf(watched).slice(from)
  }

  it('stalls one instrument for one user alone, and ends by itself', async () => {
    await open()
    const alice = await stage.session('alice', ['cs1605', 'c1605'])
    const bob = await stage.session('bob', ['cs1605'])
    const { body } = await stage.order({ stall: { instrument: 'cs1605', user: 'alice', forMs: 600 } })
    expect(body.faults).toMatchObject([{ kind: 'stall', instruments: 1, endsInMs: expect.any(Number) }])
    await meanwhile(alice.witness, 'c1605', 2, 'cs1605')
    expect(await meanwhile(alice.witness, 'c1605', 5, 'cs1605')).toEqual([])
    await bob.witness.nth('depth', bob.witness.all('depth').length + 3)
    const stalled = alice.witness.ticksOf('cs1605').length
    await alice.witness.until(witness => witness.ticksOf('cs1605').length > stalled)
    expect((await stage.state()).faults).toEqual([])
  })

  it('acknowledges a silent instrument and never pushes it, not even its stale state', async () => {
    await open()
    await stage.order({ silence: { instrument: 'cs1605' } })
    const { gateway, witness } = await stage.session('alice', ['c1605'])
    gateway.subscribe(['cs1605'])
    await witness.nth('subscribed', 2)
    expect(await meanwhile(witness, 'c1605', 5, 'cs1605')).toEqual([])
    expect(witness.ticksOf('cs1605')).toEqual([])
  })

  it('lets a group trickle while the others go on', async () => {
    await open()
    const { witness } = await stage.session('alice', ['cs1605', 'AP007'])
    await stage.order({ trickle: { group: 'CZCE', rate: 0 } })
    await meanwhile(witness, 'cs1605', 2, 'AP007')
    expect(await meanwhile(witness, 'cs1605', 10, 'AP007')).toEqual([])
    await stage.order({ clear: 'trickle' })
    const before = witness.ticksOf('AP007').length
    await witness.until(() => witness.ticksOf('AP007').length > before)
  })

  it('repeats pushes', async () => {
    await open({ rate: 0 })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605'])
    await stage.order({ duplicate: { instrument: 'cs1605' } })
    await stage.order({ openingBurst: { ms: 0 } })
    await witness.nth('depth', 5)
    expect(ids(witness, 2)).toEqual(['cs1605', 'cs1605', 'c1605'])
    expect(witness.ticksOf('cs1605')[2]).toEqual(witness.ticksOf('cs1605')[1])
  })

  it('lets neighbours change places', async () => {
    await open({ rate: 0 })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605', 'AP007', 'IF2008'])
    await stage.order({ reorder: { of: 'instruments' } })
    await stage.order({ openingBurst: { ms: 0 } })
    await witness.nth('depth', 8)
    expect(ids(witness, 4)).toEqual(['c1605', 'cs1605', 'IF2008', 'AP007'])
  })

  it('pushes a tick after the next one of its instrument, and keeps none back for ever', async () => {
    await open()
    const { witness } = await stage.session('alice', ['cs1605'])
    const falls = (ticks: Depth[]) => ticks.slice(1).some((tick, index) => moment(tick) < moment(ticks[index] ?? tick))
    await stage.order({ reorder: { of: 'instrument' } })
    await witness.until(() => falls(witness.ticksOf('cs1605').slice(-6)))
    await stage.order({ clear: 'all' })
    await witness.until(() => !falls(witness.ticksOf('cs1605').slice(-6)))
    const ticks = witness.ticksOf('cs1605')
    expect(new Set(ticks.map(tick => JSON.stringify(tick))).size).toBe(ticks.length)
  })

  it('sets the clock of the exchange ahead for one user', async () => {
    const startsAt = Date.UTC(2026, 0, 5, 2)
    await open({ rate: 0, startsAt })
    const alice = await stage.session('alice', ['cs1605'])
    const bob = await stage.session('bob', ['cs1605'])
    await stage.order({ clockSkew: { ms: hourMs, user: 'alice' } })
    await stage.order({ openingBurst: { ms: 0 } })
    const [{ depth: ahead }, { depth: right }] = [await alice.witness.nth('depth', 2), await bob.witness.nth('depth', 2)]
    expect(moment(ahead) - moment(right)).toBe(hourMs)
    expect({ ...ahead, UpdateTime: right.UpdateTime }).toEqual(right)
  })

  it('pushes a tick of the future once', async () => {
    await open({ rate: 0, startsAt: Date.UTC(2026, 0, 5, 2) })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605'])
    await stage.order({ futureTick: { instrument: 'c1605', aheadMs: 24 * hourMs } })
    expect((await witness.nth('depth', 3)).depth).toMatchObject({ InstrumentID: 'c1605', TradingDay: '20260106' })
    await stage.order({ snapshotStorm: {} })
    expect((await witness.nth('depth', 5)).depth).toMatchObject({ InstrumentID: 'c1605', TradingDay: '20260105' })
  })

  it('pushes all states at once in a snapshot storm, unchanged', async () => {
    await open({ rate: 0 })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605', 'AP007'])
    await stage.order({ snapshotStorm: { user: 'alice' } })
    await witness.nth('depth', 6)
    expect(depths(witness).slice(3)).toEqual(depths(witness).slice(0, 3))
  })

  it('lets every instrument of a group tick once in an opening burst', async () => {
    await open({ rate: 0 })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605', 'AP007'])
    await stage.order({ openingBurst: { group: 'DCE', ms: 20 } })
    await witness.nth('depth', 5)
    await stage.order({ snapshotStorm: {} })
    await witness.nth('depth', 8)
    expect(ids(witness, 3)).toEqual(['cs1605', 'c1605', 'cs1605', 'c1605', 'AP007'])
  })

  it('pushes the match of an auction and, after the close, a settlement without a trade', async () => {
    await open({ rate: 0 })
    const { witness } = await stage.session('alice', ['cs1605'])
    let pushes = 1
    while ((depths(witness).at(-1)?.Volume ?? 0) === 0) {
      await stage.order({ auction: { ms: 0 } })
      await witness.nth('depth', ++pushes)
    }
    const { depth: matched } = await witness.nth('depth', pushes)
    expect(matched).toMatchObject({ SettlementPrice: noValue, ClosePrice: noValue })
    await stage.order({ settlement: { ms: 0 } })
    const { depth: settled } = await witness.nth('depth', pushes + 1)
    expect(settled).toMatchObject({ Volume: matched.Volume, ClosePrice: matched.LastPrice })
    expect(settled.SettlementPrice).toBe(Math.round(matched.AveragePrice / 10))
  })

  it('rolls the trading day', async () => {
    await open({ rate: 0, startsAt: Date.UTC(2026, 0, 9, 2) })
    const { witness } = await stage.session('alice', ['cs1605'])
    for (let tick = 0; tick < 5; tick++) await stage.order({ openingBurst: { ms: 0 } })
    const { depth: before } = await witness.nth('depth', 6)
    await stage.order({ dayChange: {}, openingBurst: { ms: 0 } })
    const { depth: after } = await witness.nth('depth', 7)
    expect([before.TradingDay, after.TradingDay]).toEqual(['20260109', '20260112'])
    expect(after.Volume).toBeLessThan(before.Volume)
    expect(after.PreClosePrice).toBe(before.LastPrice)
    expect((await (await stage.session('bob')).witness.nth('loggedIn')).tradingDay).toBe('20260112')
  })

  it('cuts a slow reader for its backlog', async () => {
    await open({ rate: 0, universe: [defaultUniverse], instruments: 3000 })
    const { gateway, witness } = await stage.session('alice')
    const instruments = await (await import('./universe.ts')).readUniverse([defaultUniverse], 3000)
    gateway.subscribe(instruments.map(({ id }) => id))
    await witness.nth('depth', 3000)
    await stage.order({ slowReader: { user: 'alice', packetsPerSecond: 0 } })
    for (let storm = 0; storm < 3; storm++) await stage.order({ snapshotStorm: {} })
    expect((await stage.state()).sessions[0]?.unsentPackets).toBeGreaterThan(8900)
    await stage.order({ snapshotStorm: {} })
    expect((await witness.nth('disconnected')).reason).toBe(0x2001)
    expect(witness.all('depth')).toHaveLength(3000)
  })

  it('lets a slow reader catch up', async () => {
    await open({ rate: 0 })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605'])
    await stage.order({ slowReader: { packetsPerSecond: 0 }, snapshotStorm: {} })
    await expect.poll(async () => (await stage.state()).sessions[0]?.unsentPackets).toBeGreaterThanOrEqual(2)
    expect(witness.all('depth')).toHaveLength(2)
    await stage.order({ clear: 'slowReader' })
    await witness.nth('depth', 4)
  })
})

describe('faults of sessions', () => {
  let stage: Stage
  afterEach(() => stage.close())

  it('leaves a connection half open until the gateway misses the heartbeats', async () => {
    stage = await Stage.open()
    const alice = await stage.session('alice', ['cs1605'], 1300)
    const bob = await stage.session('bob', ['cs1605'])
    const { sessions } = (await stage.order({ halfOpen: { user: 'alice' } })).body
    expect(sessions.filter(({ halfOpen }) => halfOpen)).toMatchObject([{ user: 'alice' }])
    expect((await alice.witness.nth('disconnected')).reason).toBe(0x2001)
    await bob.witness.nth('depth', bob.witness.all('depth').length + 3)
    expect(bob.witness.all('disconnected')).toEqual([])
  })

  it('never welcomes while all is half open, and resets what was when that ends', async () => {
    stage = await Stage.open()
    const { witness } = await stage.session('alice')
    await stage.order({ halfOpen: { all: true } })
    await stage.order({ clear: 'halfOpen' })
    expect((await witness.nth('disconnected')).reason).toBe(0x1001)
    await witness.nth('connected', 2)
  })

  it('accepts a login and cuts it, again and again', async () => {
    stage = await Stage.open()
    await stage.order({ cutAfterLogin: { user: 'alice' } })
    const { gateway, witness } = await stage.connect()
    for (const time of [1, 2, 3]) {
      await witness.nth('connected', time)
      gateway.login(secretsOf('alice'))
      await witness.nth('loggedIn', time)
      expect((await witness.nth('disconnected', time)).reason).toBe(0x1001)
    }
    await stage.order({ acceptLogins: true })
    await stage.session('alice', ['cs1605'])
  })

  it('loses acknowledgements while the ticks come', async () => {
    stage = await Stage.open()
    await stage.order({ loseAcknowledgements: { instrument: 'cs1605' } })
    const { witness } = await stage.session('alice', ['cs1605', 'c1605'])
    await witness.until(() => witness.ticksOf('cs1605').length > 2)
    expect(witness.all('subscribed').map(({ instrument }) => instrument)).toEqual(['c1605'])
  })

  it('keeps slow acknowledgements and flow control to one user', async () => {
    stage = await Stage.open()
    await stage.order({ slowAcknowledgements: { ms: 600_000, user: 'alice' }, flowControl: { user: 'carol' } })
    const [alice, carol] = [await stage.session('alice'), await stage.session('carol')]
    alice.gateway.subscribe(['cs1605'])
    await stage.session('bob', ['cs1605'])
    await expect.poll(() => carol.gateway.subscribe(['cs1605'])).toBe(-3)
    expect(alice.witness.all('subscribed')).toEqual([])
  })

  it('refuses logins for a time', async () => {
    stage = await Stage.open()
    await stage.order({ refuseLogins: { errorId: 60, forMs: 300 } })
    const { gateway, witness } = await stage.connect()
    gateway.login(secretsOf('alice'))
    expect((await witness.nth('loginFailed')).error.ErrorID).toBe(60)
    await expect.poll(async () => (await stage.state()).faults).toEqual([])
    await stage.session('alice')
  })

  it('returns to its rate when a rate for a time is over', async () => {
    stage = await Stage.open({ rate: 1 })
    expect((await stage.order({ setRate: { rate: 30, forMs: 200 } })).body.rate).toBe(30)
    await expect.poll(async () => (await stage.state()).rate).toBe(1)
  })

  it('replaces a fault of the same kind and limits, and ends one by its id', async () => {
    stage = await Stage.open()
    await stage.order({ duplicate: { group: 'DCE', share: 0.1 } })
    await stage.order({ duplicate: { group: 'DCE', share: 0.2 } })
    const { faults } = (await stage.order({ duplicate: { group: 'CZCE' } })).body
    expect(faults).toMatchObject([
      { kind: 'duplicate', settings: { group: 'DCE', share: 0.2 }, instruments: 3 },
      { kind: 'duplicate', settings: { group: 'CZCE', share: 1 }, instruments: 1 },
    ])
    expect((await stage.order({ clear: faults[0]?.id ?? 0 })).body.faults).toMatchObject([{ settings: { group: 'CZCE' } }])
  })

  it.each([
    ['{}', 'an order is one or more of clear, resume, acceptLogins, stall'],
    ['{"stall": {"forMs": 5}}', 'name what: {"all": true}'],
    ['{"duplicate": {"share": 2}}', '<=1'],
    ['{"cut": {"user": "a", "forMs": 5}}', 'forMs'],
    ['{"clear": "everything"}', 'clear'],
    ['{"clear": 7, "stall": {"all": true}}', 'no fault in force has the id 7: GET /state tells those that are'],
    ['{"silence": {"instrument": "x9"}}', 'no instrument is called x9'],
    [
      '{"clockSkew": {"ms": 5, "group": "DCE.xx"}}',
      'no instrument is in group DCE.xx: write EXCHANGE or EXCHANGE.PRODUCT, of DCE',
    ],
    ['{"reorder": {"of": "users"}}', '"instruments"|"instrument"'],
  ])('refuses %s and says what is allowed', async (text, why) => {
    stage = await Stage.open()
    const { status, body } = await stage.order(text)
    expect(status).toBe(400)
    expect(body.error).toContain(why)
    expect((await stage.state()).faults).toEqual([])
  })
})
