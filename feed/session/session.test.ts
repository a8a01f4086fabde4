import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Gap, Tick } from '../../crds/contract/tick.ts'
import { openCalendar } from '../calendar/open.ts'
import type { Depth } from '../gateways/depth.ts'
import type { Gateway, GatewayHandlers } from '../gateways/gateway.ts'
import { Counter } from '../publish/counter.ts'
import type { NumberedPush } from '../publish/numbered.ts'
import type { PublisherStatus } from '../publish/publisher.ts'
import { tickOf } from '../publish/tick.ts'
import type { FromSession, Pulse } from './message.ts'
import { emptyPosition, type Position } from './position.ts'
import { Session } from './session.ts'
import { depthWith, groupOf } from './testing.ts'

const instruments = ['AP010', 'AP011']

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A session on a front that acknowledges at once; what it publishes and what it says. */
async function liveSession(type: PublisherStatus['type'] = 'none') {
  const ticks: Tick[] = []
  const gaps: Gap[] = []
  const said: FromSession[] = []
  let isBusAway = false
  let isSlow = false
  let handlers: GatewayHandlers | undefined
  const front = (): GatewayHandlers => handlers as GatewayHandlers
  const gateway: Gateway = {
    open: given => {
      handlers = given
      setTimeout(() => given.connected('tcp://front:1'), 1)
    },
    login: () => {
      setTimeout(() => front().loggedIn({ tradingDay: '20200803' }), 1)
      return 0
    },
    subscribe: asked => {
      setTimeout(() => {
        for (const instrument of asked) front().subscribed(instrument)
      }, 1)
      return 0
    },
    unsubscribe: () => 0,
    close: async () => undefined,
  }
  const flushes: (() => void)[] = []
  class Bus extends Counter {
    override flush(): Promise<void> {
      return isSlow ? new Promise(resolve => flushes.push(resolve)) : Promise.resolve()
    }
    override publish(push: NumberedPush): void {
      ticks.push(tickOf({ feed: 'n/f', account: 'primary' }, push))
    }
    override publishGap(gap?: Gap): void {
      if (gap) gaps.push(gap)
    }
    override status(): PublisherStatus {
      return { ...super.status(), type, connected: !isBusAway }
    }
  }
  const session = new Session({
    start: {
      feed: 'n/f',
      account: 'primary',
      launch: {} as never,
      rateLimits: { loginsPerSecond: 1, subscribeBatch: 500, subscribeRequestsPerSecond: 20, maxUnacknowledged: 2000 },
      instrumentGroups: [groupOf(instruments)],
      directory: '',
      dataDirectory: '',
    },
    readSecrets: async () => ({ BROKER_ID: '9999', USER_ID: 'u', PASSWORD: 'p' }),
    gatewayOf: () => gateway,
    publisher: new Bus(),
    calendar: openCalendar({ type: 'always' }),
    send: message => said.push(message),
  })
  session.start()
  await vi.advanceTimersByTimeAsync(1000)
  session.receive({ type: 'open', id: 1, epoch: 1, position: emptyPosition(0), reason: 'Restart' })
  const push = (second: number, instrument = 'AP010', receivedAt = Date.now()) =>
    front().depth(depthOf(second, instrument), receivedAt)
  const reconnect = async () => {
    front().disconnected(0x1001)
    front().connected('tcp://front:1')
    await vi.advanceTimersByTimeAsync(3000)
  }
  const restart = (round: number) => front().restarted?.(round)
  const pushNight = () => front().depth({ ...depthOf(1, 'AP010'), TradingDay: '20200731', UpdateTime: '21:00:01' }, Date.now())
  const newest = <Type extends FromSession['type']>(type: Type) =>
    said.findLast((message): message is Extract<FromSession, { type: Type }> => message.type === type)
  const leaveBus = () => {
    isBusAway = true
  }
  const told = () => said.flatMap(message => (message.type === 'event' ? message.event.reason : []))
  const slowBus = () => {
    isSlow = true
    return flushes
  }
  return { session, slowBus, told, leaveBus, ticks, gaps, said, push, pushNight, reconnect, restart, newest }
}

const depthOf = (second: number, InstrumentID: string): Depth =>
  depthWith({ InstrumentID, UpdateTime: `10:00:${String(second).padStart(2, '0')}`, Volume: second, LastPrice: second })

const groupTick = (pulse: Pulse | undefined): number => pulse?.ticks[0]?.[1] ?? -1

it('flags the first push of each instrument, once a connection, and takes it for no fresh tick', async () => {
  const { ticks, push, newest, reconnect } = await liveSession()
  push(1)
  push(1, 'AP011')
  await vi.advanceTimersByTimeAsync(1000)
  expect(ticks.map(({ snapshot }) => snapshot)).toEqual([true, true])
  expect(newest('report')?.report.status).toMatchObject({ received: 2, subscriptions: { acknowledged: 2, ticking: 0 } })
  expect(newest('report')?.report.status.lastTickAt).toBeUndefined()
  expect(groupTick(newest('pulse')?.pulse)).toBe(0)
  push(2)
  await vi.advanceTimersByTimeAsync(1000)
  expect('snapshot' in (ticks.at(-1) as Tick)).toBe(false)
  expect(newest('report')?.report.status.subscriptions.ticking).toBe(1)
  expect(newest('report')?.report.status.lastTickAt).toBeGreaterThan(0)
  expect(groupTick(newest('pulse')?.pulse)).toBeGreaterThan(0)
  await reconnect()
  expect(newest('report')?.report.status.subscriptions.ticking).toBe(0)
  push(3)
  push(4)
  expect(ticks.slice(-2).map(({ snapshot, volume }) => [volume, snapshot ?? false])).toEqual([
    [3, true],
    [4, false],
  ])
})

it('takes a push that says nothing new for no sign of life', async () => {
  const { push, newest } = await liveSession()
  push(1)
  push(1)
  push(1)
  await vi.advanceTimersByTimeAsync(1000)
  expect(groupTick(newest('pulse')?.pulse)).toBe(0)
})

it('records a gap on the bus and with the supervisor where a reconnect may have cost ticks, for those instruments', async () => {
  const { gaps, said, push, reconnect } = await liveSession()
  for (const second of [1, 2]) for (const instrument of instruments) push(second, instrument)
  await reconnect()
  push(2, 'AP010')
  push(5, 'AP011')
  await vi.advanceTimersByTimeAsync(1000)
  const expected = { reason: 'Reconnect', epoch: 1, instruments: ['AP011'], instrumentCount: 1 }
  expect(gaps).toEqual([expect.objectContaining(expected)])
  expect(gaps[0]?.from).toBeLessThan(gaps[0]?.to ?? 0)
  expect(said.filter(({ type }) => type === 'gap')).toEqual([{ type: 'gap', gap: gaps[0] }])
})

it('records no gap for an instrument that the front pushes after a login as it was published last', async () => {
  const { gaps, ticks, push, reconnect } = await liveSession()
  for (const second of [1, 2]) push(second)
  await reconnect()
  push(2)
  push(9)
  await vi.advanceTimersByTimeAsync(1000)
  expect(ticks.map(({ sequence, volume }) => [sequence, volume])).toEqual([
    [1, 1],
    [2, 2],
    [3, 9],
  ])
  expect(gaps).toEqual([])
})

it('publishes nothing under another epoch before what it has queued under the one before is gone', async () => {
  const { session, slowBus, ticks, gaps, push, newest } = await liveSession()
  push(1)
  const flushes = slowBus()
  session.receive({ type: 'open', id: 2, epoch: 2, position: emptyPosition(0), reason: 'Restart' })
  push(2)
  await vi.advanceTimersByTimeAsync(100)
  expect([ticks.length, flushes.length]).toEqual([1, 1])
  flushes[0]?.()
  await vi.advanceTimersByTimeAsync(100)
  push(3)
  expect(newest('opened')).toMatchObject({ id: 2, released: 1, overrunCount: 0 })
  expect(ticks.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
    [1, 1],
    [2, 2],
    [2, 3],
  ])
  expect(gaps).toEqual([])
})

it('tells what is missing after its position was lost, also what goes missing before the front pushes again', async () => {
  const { session, gaps, said, push, reconnect, newest } = await liveSession()
  for (const second of [1, 2]) for (const instrument of instruments) push(second, instrument)
  session.receive({ type: 'close', id: 2, isDeposed: false })
  await vi.advanceTimersByTimeAsync(1000)
  const position = { ...(newest('closed')?.position ?? emptyPosition(0)), exact: false, at: Date.now() }
  const reconnected = reconnect()
  session.receive({ type: 'open', id: 3, epoch: 2, position, reason: 'Restart' })
  await reconnected
  push(9)
  await vi.advanceTimersByTimeAsync(1000)
  expect(gaps.map(({ reason, instruments: names }) => [reason, names])).toEqual([
    ['PositionLost', instruments],
    ['Reconnect', ['AP010']],
  ])
  expect(gaps[1]?.from).toBeLessThanOrEqual(gaps[0]?.to ?? 0)
  expect(said.filter(({ type }) => type === 'gap')).toHaveLength(2)
})

it('keeps the clocks of the exchange and of the gateway apart', async () => {
  const { ticks, push } = await liveSession()
  push(1, 'AP010', 1_596_420_009_000.125)
  expect(ticks[0]).toMatchObject({ exchangeTime: '2020-08-03T10:00:01.000+08:00', receivedAt: 1_596_420_009_000.125 })
})

it('sends ten pulses a second', async () => {
  const { said } = await liveSession()
  const before = said.filter(({ type }) => type === 'pulse').length
  await vi.advanceTimersByTimeAsync(1000)
  expect(said.filter(({ type }) => type === 'pulse').length - before).toBe(10)
})

it("books a night push under the login's trading day, but that of a recording under its own", async () => {
  const live = await liveSession()
  live.pushNight()
  expect(live.ticks[0]?.tradingDay).toBe('20200803')
  const replayed = await liveSession()
  replayed.restart(0)
  replayed.pushNight()
  expect(replayed.ticks[0]?.tradingDay).toBe('20200731')
})

it('tells that the bus is connected, and that it is away', async () => {
  const { told, leaveBus } = await liveSession('nats')
  expect(told()).toEqual(['BusConnected'])
  leaveBus()
  await vi.advanceTimersByTimeAsync(1000)
  expect(told()).toEqual(['BusConnected', 'BusUnreachable'])
})

it('tells nothing of a bus where there is none', async () => {
  expect((await liveSession()).told()).toEqual([])
})

it.each(['Flip', 'Restart'] as const)(
  'records a gap where after a %s its own ticks do not go on from the last published one',
  async reason => {
    const before = await liveSession()
    for (const second of [1, 2, 3]) before.push(second)
    before.session.receive({ type: 'close', id: 2, isDeposed: false })
    await vi.advanceTimersByTimeAsync(1000)
    const position = before.newest('closed')?.position as Position
    const after = await liveSession()
    after.session.receive({ type: 'close', id: 2, isDeposed: false })
    await vi.advanceTimersByTimeAsync(1000)
    for (const second of [4, 5]) after.push(second)
    after.session.receive({ type: 'open', id: 3, epoch: 2, position, reason })
    await vi.advanceTimersByTimeAsync(1000)
    expect(after.gaps).toEqual([expect.objectContaining({ reason, epoch: 2, instruments: ['AP010'] })])
  },
)
