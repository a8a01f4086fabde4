import { connect as connectSocket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Depth } from '../gateways/depth.ts'
import { noValue } from '../gateways/depth.ts'
import { controlFrame, FrameReader } from '../gateways/frame.ts'
import { type Answer, answerSchema, type Request } from '../gateways/message.ts'
import { SimulatorGateway } from '../gateways/simulator.ts'
import { tickBytes } from '../gateways/tickrecord.ts'
import { Witness } from '../gateways/witness.ts'
import type { FaultRequest } from './faultorder.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts'

const alice = { BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'correct' }
const bob = { ...alice, USER_ID: 'bob' }

const universe = [fileURLToPath(new URL('testdata.json', import.meta.url))]

describe('the simulator', () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function start(options: SimulatorOptions = {}): Promise<Simulator> {
    const simulator = await startSimulator({ universe, rate: 40, controlPort: 0, ...options })
    ends.push(simulator.stop)
    return simulator
  }

  async function connect({ ports }: Simulator, port = ports[0]) {
    const gateway = new SimulatorGateway({ fronts: [`tcp://127.0.0.1:${port}`], reconnectMs: { first: 5, longest: 20 } })
    ends.push(() => gateway.close())
    const witness = new Witness(gateway)
    await witness.nth('connected')
    return { gateway, witness }
  }

  async function login(simulator: Simulator, secrets = alice, port = simulator.ports[0]) {
    const { gateway, witness } = await connect(simulator, port)
    gateway.login(secrets)
    await witness.nth('loggedIn')
    return { gateway, witness }
  }

  async function order({ control }: Simulator, faults: FaultRequest | string) {
    const body = typeof faults === 'string' ? faults : JSON.stringify(faults)
    const response = await fetch(`http://127.0.0.1:${control}/faults`, { method: 'POST', body })
    return { status: response.status, body: (await response.json()) as { error?: string; rate?: number } }
  }

  async function state({ control }: Simulator) {
    const response = await fetch(`http://127.0.0.1:${control}/state`)
    return (await response.json()) as { sessions: { pendingAcknowledgements: number }[] }
  }

  async function errorOf(simulator: Simulator, secrets: typeof alice): Promise<number> {
    const { gateway, witness } = await connect(simulator)
    gateway.login(secrets)
    return (await witness.nth('loginFailed')).error.ErrorID
  }

  const identity = ({ InstrumentID, UpdateTime, UpdateMillisec, Volume }: Depth) =>
    `${InstrumentID} ${UpdateTime}.${UpdateMillisec} ${Volume}`

  it('pushes the same ticks to all sessions, whatever their port', async () => {
    const simulator = await start({ ports: [0, 0] })
    const sessions = [await login(simulator, alice, simulator.ports[0]), await login(simulator, bob, simulator.ports[1])]
    for (const { gateway } of sessions) gateway.subscribe(['cs1605', 'c1605'])
    await Promise.all(sessions.map(({ witness }) => witness.nth('depth', 60)))
    const [first, second] = sessions.map(
      ({ witness }) => new Map(witness.all('depth').map(({ depth }) => [identity(depth), depth])),
    )
    const both = [...(first ?? [])].filter(([key]) => second?.has(key))
    expect(both.length).toBeGreaterThan(40)
    for (const [key, depth] of both) expect(second?.get(key)).toEqual(depth)
  })

  it('moves prices in steps within the limits, and lets volume and turnover only grow', async () => {
    const simulator = await start({ instruments: 1 })
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(['cs1605'])
    await witness.nth('depth', 50)
    const ticks = witness.ticksOf('cs1605')
    for (const [index, tick] of ticks.entries()) {
      const before = ticks[index - 1] ?? tick
      expect(tick.LastPrice).toBe(Math.round(tick.LastPrice))
      expect(tick.LastPrice).toBeLessThanOrEqual(Math.min(tick.HighestPrice, tick.UpperLimitPrice))
      expect(tick.LastPrice).toBeGreaterThanOrEqual(Math.max(tick.LowestPrice, tick.LowerLimitPrice))
      expect(tick.BidPrice[0]).toBeLessThan(tick.AskPrice[0] ?? 0)
      expect(tick.Volume).toBeGreaterThanOrEqual(before.Volume)
      expect(tick.Turnover).toBeGreaterThanOrEqual(before.Turnover)
      expect([tick.ClosePrice, tick.SettlementPrice, tick.BidPrice[1]]).toEqual([noValue, noValue, noValue])
    }
    expect(new Set(ticks.map(tick => tick.LastPrice)).size).toBeGreaterThan(1)
  })

  it('pushes the stale state of an instrument first, even when the market stands still', async () => {
    const simulator = await start({ rate: 0 })
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(['c1605', 'cs1605'])
    await witness.nth('depth', 2)
    expect(witness.events.slice(-4).map(({ type }) => type)).toEqual(['subscribed', 'subscribed', 'depth', 'depth'])
  })

  it('locks an account after five wrong passwords', async () => {
    const simulator = await start({ accounts: [alice] })
    const wrong = { ...alice, PASSWORD: 'wrong' }
    const errors: number[] = []
    for (const secrets of [wrong, wrong, wrong, wrong, wrong, alice]) errors.push(await errorOf(simulator, secrets))
    expect(errors).toEqual([3, 3, 3, 3, 3, 75])
  })

  it('refuses who is unknown and who is locked', async () => {
    const simulator = await start({ accounts: [alice, { ...bob, locked: true }] })
    expect(await errorOf(simulator, { ...alice, BROKER_ID: '1' })).toBe(3)
    expect(await errorOf(simulator, bob)).toBe(75)
  })

  /** What the front answers to these frames, up to the first answer that fits. */
  async function answers({ ports }: Simulator, frames: Buffer[], last: (answer: Answer) => boolean): Promise<Answer[]> {
    const socket = connectSocket(ports[0] ?? 0, '127.0.0.1')
    ends.push(() => socket.destroy())
    socket.write(Buffer.concat(frames))
    const seen: Answer[] = []
    const reader = new FrameReader(tickBytes, { control: message => seen.push(answerSchema.parse(message)), tick: () => {} })
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      reader.push(chunk)
      if (seen.some(last)) break
    }
    return seen
  }

  const loginFrame = controlFrame({ op: 'login', brokerId: '9999', userId: 'alice', password: 'correct' } satisfies Request)

  it('refuses a second login within a second from a gateway that does not hold back', async () => {
    const seen = await answers(
      await start(),
      [loginFrame, loginFrame],
      answer => answer.op === 'login' && answer.error !== undefined,
    )
    expect(seen.slice(1)).toEqual([
      { op: 'login', tradingDay: expect.stringMatching(/^\d{8}$/) },
      { op: 'login', error: expect.objectContaining({ ErrorID: -3 }) },
    ])
  })

  it('refuses requests far above its rate from a gateway that does not hold back', async () => {
    const simulator = await start({ requestsPerSecond: 1 })
    const request = controlFrame({ op: 'subscribe', instruments: ['cs1605'] } satisfies Request)
    const seen = await answers(simulator, [loginFrame, ...new Array<Buffer>(8).fill(request)], answer => answer.op === 'error')
    const error = expect.objectContaining({ ErrorID: -3 })
    expect(seen).toContainEqual(expect.objectContaining({ op: 'error', error }))
  })

  it('says goodbye to who sends what is no request', async () => {
    const simulator = await start()
    const seen = await answers(simulator, [controlFrame({ op: 'trade' })], answer => answer.op === 'goodbye')
    expect(seen.at(-1)).toEqual({ op: 'goodbye', reason: 0x2003 })
  })

  it('cuts a session that is owed more than 10,000 packets, as a front does with a whole universe at once', async () => {
    const simulator = await start()
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(Array.from({ length: 5100 }, () => 'cs1605'))
    expect((await witness.nth('disconnected')).reason).toBe(0x2001)
    await witness.nth('connected', 2)
    expect(await state(simulator)).toMatchObject({ counters: { cuts: 1, connections: 2 } })
  })

  it('stalls a group of instruments, and resumes', async () => {
    const simulator = await start()
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(['cs1605', 'c1605'])
    await witness.until(() => witness.ticksOf('cs1605').length > 2)
    expect((await order(simulator, { stall: { group: 'DCE.cs' } })).status).toBe(200)
    const later = witness.ticksOf('c1605').length + 1
    await witness.until(() => witness.ticksOf('c1605').length > later)
    const stalledAt = witness.ticksOf('cs1605').length
    await witness.until(() => witness.ticksOf('c1605').length > later + 5)
    expect(witness.ticksOf('cs1605')).toHaveLength(stalledAt)
    await order(simulator, { resume: true })
    await witness.until(() => witness.ticksOf('cs1605').length > stalledAt)
  })

  it('stalls one user over reconnects, while another goes on', async () => {
    const simulator = await start()
    await order(simulator, { stall: { user: 'alice' } })
    const [stalled, other] = [await login(simulator, alice), await login(simulator, bob)]
    for (const { gateway } of [stalled, other]) gateway.subscribe(['cs1605'])
    await stalled.witness.nth('subscribed')
    await other.witness.nth('depth', 10)
    expect(stalled.witness.all('depth')).toEqual([])
    await order(simulator, { resume: true })
    await stalled.witness.nth('depth')
  })

  it('cuts the sessions of one user', async () => {
    const simulator = await start()
    const [cut, other] = [await login(simulator, alice), await login(simulator, bob)]
    await order(simulator, { cut: { user: 'alice' } })
    expect((await cut.witness.nth('disconnected')).reason).toBe(0x1001)
    other.gateway.subscribe(['cs1605'])
    await other.witness.nth('depth')
    expect(other.witness.all('disconnected')).toEqual([])
  })

  it('refuses logins with the ordered error, until it accepts them', async () => {
    const simulator = await start()
    await order(simulator, { refuseLogins: { errorId: 60, user: 'alice' } })
    await login(simulator, bob)
    expect(await errorOf(simulator, alice)).toBe(60)
    await order(simulator, { acceptLogins: true })
    await login(simulator, alice)
  })

  it('takes logins without an answer when they are muted', async () => {
    const simulator = await start()
    await order(simulator, { muteLogins: true })
    const muted = await connect(simulator)
    muted.gateway.login(alice)
    muted.gateway.subscribe(['cs1605'])
    expect((await muted.witness.nth('subscribed')).error?.ErrorID).toBe(6)
    expect(muted.witness.all('loggedIn')).toEqual([])
  })

  it('owes acknowledgements while they are slow', async () => {
    const simulator = await start()
    await order(simulator, { slowAcknowledgements: { ms: 600_000 } })
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(['cs1605', 'c1605'])
    await expect.poll(async () => (await state(simulator)).sessions[0]?.pendingAcknowledgements).toBe(2)
    expect(witness.all('subscribed')).toEqual([])
  })

  it('makes every request one too many under flow control', async () => {
    const simulator = await start()
    const { gateway, witness } = await login(simulator)
    await order(simulator, { flowControl: { on: true } })
    await expect.poll(() => gateway.subscribe(['cs1605'])).toBe(-3)
    await order(simulator, { flowControl: { on: false } })
    await expect.poll(() => gateway.subscribe(['cs1605'])).toBe(0)
    await witness.nth('subscribed')
  })

  it('changes its rate while it runs', async () => {
    const simulator = await start({ rate: 0 })
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(['cs1605'])
    await witness.nth('depth')
    expect((await order(simulator, { setRate: { rate: 40 } })).body).toMatchObject({ rate: 40 })
    await witness.nth('depth', 5)
  })

  it.each([
    ['{', 'expected object'],
    ['{"stall": {}}', 'stall'],
    ['{"explode": true}', 'explode'],
    ['{"setRate": {"rate": 51}}', 'rate'],
    ['{"stall": {"group": "LME"}}', 'no instrument is in group LME'],
  ])('refuses the order %s and says why', async (text, why) => {
    const { status, body } = await order(await start(), text)
    expect(status).toBe(400)
    expect(body.error).toContain(why)
  })

  it('tells its state, and 404 elsewhere', async () => {
    const simulator = await start()
    const { gateway, witness } = await login(simulator)
    gateway.subscribe(['cs1605'])
    await witness.nth('depth', 3)
    expect(await state(simulator)).toMatchObject({
      instruments: 6,
      rate: 40,
      counters: { connections: 1, logins: 1, loginFailures: 0, cuts: 0 },
      sessions: [{ user: 'alice', subscriptions: 1, pendingAcknowledgements: 0, stalled: false }],
    })
    expect((await fetch(`http://127.0.0.1:${simulator.control}/`)).status).toBe(404)
  })

  it('fails to start on a port that is taken, and leaves nothing behind', async () => {
    const { ports } = await start()
    await expect(startSimulator({ universe, ports: [0, ports[0] ?? 0] })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
