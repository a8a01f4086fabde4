import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { depthWith } from '../session/testing.ts'
import { startSimulator } from '../simulator/simulator.ts'
import { CtpGateway, isCtpInUse, logoutAnswerMs, maxInstrumentsACall } from './ctp.ts'
import { noValue } from './depth.ts'
import { conformance } from './gateway.conformance.ts'
import { MarketData } from './napictp/standin.ts'
import type { NapiDepth, NapiEvents, NapiHandler, NapiMarketData, NapiOptions } from './napictp/surface.ts'
import { Witness } from './witness.ts'

const secrets = { BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'correct' }
const universe = [fileURLToPath(new URL('../simulator/testdata.json', import.meta.url))]

conformance('the ctp gateway with the stand-in', openBench, { hasConnection: true })

async function openBench() {
  const { ports, control, stop } = await startSimulator({ universe, rate: 40, accounts: [secrets], controlPort: 0 })
  const flowPath = mkdtempSync(join(tmpdir(), 'feedplane-ctp-'))
  const natives: MarketData[] = []
  const module = {
    // A gateway never closes its native object, so the test does.
    MarketData: class extends MarketData {
      constructor(path: string, fronts: string | string[]) {
        super(path, fronts)
        natives.push(this)
      }
    },
  }
  return {
    gateway: () => new CtpGateway({ module, flowPath, fronts: [`tcp://127.0.0.1:${ports[0]}`] }),
    secrets,
    refused: { ...secrets, PASSWORD: 'wrong' },
    instruments: ['cs1605', 'c1605'] as [string, string],
    cut: () => fetch(`http://127.0.0.1:${control}/faults`, { method: 'POST', body: JSON.stringify({ cut: { all: true } }) }),
    close: async () => {
      for (const native of natives) native.close()
      rmSync(flowPath, { recursive: true })
      await stop()
    },
  }
}

/** A native object that does what the test says, in whatever order. */
class Scripted implements NapiMarketData {
  readonly calls: unknown[][] = []
  readonly handlers = new Map<string, (data: unknown, options: NapiOptions) => void>()
  /** Answers of coming requests; 0 where there is none. */
  readonly results: number[] = []
  /** Whether handlers are taken still: the library's threads look them up once the constructing tick is over. */
  registering = true

  constructor(flowPath: string, fronts: string | string[]) {
    this.calls.push(['new', flowPath, fronts])
    scripted = this
    setImmediate(() => {
      this.registering = false
    })
  }

  emit<E extends keyof NapiEvents>(event: E, data: NapiEvents[E], options: NapiOptions = {}): void {
    this.handlers.get(event)?.(data, options)
  }

  on<E extends keyof NapiEvents>(event: E, handler: NapiHandler<E>): this {
    if (!this.registering) throw new Error(`a handler of ${event} came after the constructing tick`)
    if (this.handlers.has(event)) throw new Error(`${event} has a handler, which a second would replace`)
    this.handlers.set(event, handler as (data: unknown, options: NapiOptions) => void)
    return this
  }

  getTradingDay = () => '20200804'
  reqUserLogin = (request: object) => this.#called('login', request)
  reqUserLogout = (request: object) => this.#called('logout', request)
  subscribeMarketData = (instruments: string[]) => this.#called('subscribe', instruments)
  unsubscribeMarketData = (instruments: string[]) => this.#called('unsubscribe', instruments)
  close = () => void this.#called('close')

  #called(...call: unknown[]): number {
    this.calls.push(call)
    return this.results.shift() ?? 0
  }
}

let scripted: Scripted

describe('the ctp gateway', () => {
  let gateway: CtpGateway
  let witness: Witness

  beforeEach(() => {
    gateway = new CtpGateway({ module: { MarketData: Scripted }, flowPath: '/flow/', fronts: ['tcp://a:1', 'tcp://b:2'] })
    witness = new Witness(gateway)
  })
  afterEach(async () => {
    vi.useRealTimers()
    scripted.results.splice(0, Infinity, -1)
    await gateway.close()
  })

  const push = (instrument: string, fields: Partial<NapiDepth> = {}) =>
    scripted.emit('rtn-depth-market-data', napiDepth({ InstrumentID: instrument, ...fields }))
  const acknowledge = (instrument: string) => scripted.emit('rsp-sub-market-data', { InstrumentID: instrument })
  const named = (count: number) => Array.from({ length: count }, (_, number) => `i${number}`)
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const requests = (name: string) => scripted.calls.filter(([call]) => call === name)

  function connect(): void {
    scripted.emit('front-connected', undefined)
    gateway.login(secrets)
    scripted.emit('rsp-user-login', { TradingDay: '20200803' })
  }

  it('has a handler for every event in the tick that constructs, and takes none away', async () => {
    const events = [...scripted.handlers.keys()].sort()
    expect(events).toEqual([
      'front-connected',
      'front-disconnected',
      'rsp-error',
      'rsp-sub-market-data',
      'rsp-unsub-market-data',
      'rsp-user-login',
      'rsp-user-logout',
      'rtn-depth-market-data',
    ])
    await turn()
    connect()
    await Promise.all([gateway.close(), scripted.emit('rsp-user-logout', { BrokerID: '9999', UserID: 'alice' })])
  })

  it('gives the library its path and all fronts, and names them when one is connected', () => {
    connect()
    expect(scripted.calls[0]).toEqual(['new', '/flow/', ['tcp://a:1', 'tcp://b:2']])
    expect(witness.all('connected')).toEqual([{ type: 'connected', front: 'tcp://a:1,tcp://b:2' }])
  })

  it('leaves login and subscriptions to the session when the library has reconnected', () => {
    connect()
    gateway.subscribe(['AP010'])
    acknowledge('AP010')
    const before = scripted.calls.length
    scripted.emit('front-disconnected', 0x2001)
    scripted.emit('front-connected', undefined)
    expect(scripted.calls).toHaveLength(before)
    expect(witness.all('disconnected')).toEqual([{ type: 'disconnected', reason: 0x2001 }])
  })

  it('logs in anew at once after a reconnect, though no second has passed', () => {
    connect()
    expect(gateway.login(secrets)).toBe(-3)
    scripted.emit('front-disconnected', 0x1001)
    scripted.emit('front-connected', undefined)
    expect(gateway.login(secrets)).toBe(0)
    expect(requests('login')).toHaveLength(2)
  })

  it('passes the library’s return codes on', () => {
    connect()
    scripted.results.push(-1, -2, -3, -7)
    expect([1, 2, 3, 4].map(() => gateway.subscribe(['AP010']))).toEqual([-1, -2, -3, -2])
    scripted.results.push(-2)
    expect(gateway.unsubscribe(['AP010'])).toBe(-2)
  })

  it('returns the code of a login that the library did not take', () => {
    scripted.emit('front-connected', undefined)
    scripted.results.push(-2)
    expect(gateway.login(secrets)).toBe(-2)
  })

  it('counts what was not sent as not pending', () => {
    connect()
    for (let round = 0; round < 30; round++) {
      scripted.results.push(-3)
      expect(gateway.subscribe(named(maxInstrumentsACall))).toBe(-3)
    }
    expect(gateway.subscribe(named(maxInstrumentsACall))).toBe(0)
  })

  it('cuts a long list into calls of a size that the library takes', () => {
    connect()
    expect(gateway.subscribe(named(1234))).toBe(0)
    expect(requests('subscribe').map(([, instruments]) => (instruments as string[]).length)).toEqual([500, 500, 234])
    expect(requests('subscribe').flatMap(([, instruments]) => instruments)).toEqual(named(1234))
    expect(gateway.unsubscribe(named(501))).toBe(0)
    expect(requests('unsubscribe').map(([, instruments]) => (instruments as string[]).length)).toEqual([500, 1])
  })

  it('answers the rest of a list that was cut short with the library’s code', async () => {
    connect()
    scripted.results.push(0, -3)
    expect(gateway.subscribe(named(1100))).toBe(0)
    expect(witness.all('subscribed')).toEqual([])
    await turn()
    expect(requests('subscribe')).toHaveLength(2)
    expect(witness.all('subscribed').map(({ instrument, error }) => [instrument, error?.ErrorID])).toEqual(
      named(1100)
        .slice(500)
        .map(instrument => [instrument, -3]),
    )
  })

  it('takes TradingDay from the login’s answer, and from the library where that has none', () => {
    connect()
    scripted.emit('rsp-user-login', undefined)
    expect(witness.all('loggedIn').map(({ tradingDay }) => tradingDay)).toEqual(['20200803', '20200804'])
  })

  it('tells why a login failed, also where the front sent no field beside the error', () => {
    scripted.emit('front-connected', undefined)
    gateway.login(secrets)
    scripted.emit('rsp-user-login', undefined, { rspInfo: { ErrorID: 75, ErrorMsg: 'CTP:连续登录失败次数超限，登录被禁止' } })
    expect(witness.all('loggedIn')).toEqual([])
    expect(witness.all('loginFailed').map(({ error }) => error)).toEqual([
      { ErrorID: 75, ErrorMsg: 'login forbidden after too many failures (CTP:连续登录失败次数超限，登录被禁止)' },
    ])
  })

  it('reports an error that names no instrument, and rsp-error, as errors of no request', () => {
    connect()
    scripted.emit('rsp-sub-market-data', undefined, { rspInfo: { ErrorID: 6, ErrorMsg: '' } })
    scripted.emit('rsp-error', { ErrorID: 8, ErrorMsg: '' }, { requestId: 7 })
    scripted.emit('rsp-error', undefined, { rspInfo: { ErrorID: 90, ErrorMsg: '' } })
    expect(witness.all('failed').map(({ error }) => error.ErrorID)).toEqual([6, 8, 90])
    expect(witness.all('subscribed')).toEqual([])
  })

  it('reports a logout that nobody asked for', () => {
    connect()
    scripted.emit('rsp-user-logout', { BrokerID: '9999', UserID: 'alice' })
    expect(witness.all('failed').map(({ error }) => error.ErrorID)).toEqual([6])
  })

  it('keeps DBL_MAX, and every level of the book', () => {
    connect()
    gateway.subscribe(['AP010'])
    acknowledge('AP010')
    push('AP010', { LastPrice: 7001.5, BidPrice1: 7001, BidVolume1: 3, AskPrice5: 7009, AskVolume5: 8 })
    const [depth] = witness.ticksOf('AP010')
    expect(depth).toMatchObject({ LastPrice: 7001.5, ClosePrice: noValue, AveragePrice: noValue, UpdateTime: '10:00:00' })
    expect(depth?.BidPrice).toEqual([7001, noValue, noValue, noValue, noValue])
    expect(depth?.BidVolume).toEqual([3, 0, 0, 0, 0])
    expect(depth?.AskPrice).toEqual([noValue, noValue, noValue, noValue, 7009])
    expect(depth?.AskVolume).toEqual([0, 0, 0, 0, 8])
  })

  it('takes a push that overtook its answer for the answer, once', () => {
    connect()
    gateway.subscribe(['AP010'])
    push('AP010')
    acknowledge('AP010')
    push('AP010')
    expect(witness.events.slice(2).map(({ type }) => type)).toEqual(['subscribed', 'depth', 'depth'])
  })

  it('hands on no push of an earlier connection', () => {
    connect()
    gateway.subscribe(['AP010'])
    acknowledge('AP010')
    scripted.emit('front-disconnected', 0x1001)
    push('AP010')
    scripted.emit('front-connected', undefined)
    push('AP010')
    expect(witness.ticksOf('AP010')).toEqual([])
  })

  it('hands on pushes of what was left and asked for again, whichever answer comes first', () => {
    connect()
    gateway.subscribe(['AP010'])
    acknowledge('AP010')
    gateway.unsubscribe(['AP010'])
    push('AP010')
    gateway.subscribe(['AP010'])
    acknowledge('AP010')
    scripted.emit('rsp-unsub-market-data', { InstrumentID: 'AP010' })
    push('AP010')
    expect(witness.ticksOf('AP010')).toHaveLength(1)
  })

  it('logs out when it is closed, waits for the answer and never releases the native object', async () => {
    connect()
    let isClosed = false
    const closed = gateway.close().then(() => {
      isClosed = true
    })
    expect(requests('logout')).toEqual([['logout', { BrokerID: '9999', UserID: 'alice' }]])
    await turn()
    expect(isClosed).toBe(false)
    scripted.emit('rsp-user-logout', { BrokerID: '9999', UserID: 'alice' })
    await closed
    expect(requests('close')).toEqual([])
    expect(isCtpInUse()).toBe(true)
  })

  it('waits no longer than its bound for a front that does not confirm the logout', async () => {
    vi.useFakeTimers()
    connect()
    const closed = gateway.close()
    await vi.advanceTimersByTimeAsync(logoutAnswerMs)
    await closed
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not wait for a logout that could not be sent', async () => {
    vi.useFakeTimers()
    connect()
    scripted.results.push(-1)
    await gateway.close()
    expect(requests('logout')).toHaveLength(1)
  })

  it('hands nothing on and sends nothing while the library goes on after the close', async () => {
    connect()
    gateway.subscribe(['AP010'])
    acknowledge('AP010')
    scripted.results.push(-1)
    await gateway.close()
    const [seen, sent] = [witness.events.length, scripted.calls.length]
    push('AP010')
    scripted.emit('front-disconnected', 0x1001)
    scripted.emit('front-connected', undefined)
    scripted.emit('rsp-error', { ErrorID: 8, ErrorMsg: '' })
    expect([gateway.login(secrets), gateway.subscribe(['AP010']), gateway.unsubscribe(['AP010'])]).toEqual([-1, -1, -1])
    expect(witness.events).toHaveLength(seen)
    expect(scripted.calls).toHaveLength(sent)
  })

  it('leaves nothing pending when it is closed in the middle of a list', async () => {
    connect()
    scripted.results.push(0, -2, -1)
    gateway.subscribe(named(600))
    await gateway.close()
    await turn()
    expect(witness.all('subscribed')).toEqual([])
  })
})

function napiDepth(fields: Partial<NapiDepth>): NapiDepth {
  const { BidPrice, BidVolume, AskPrice, AskVolume, ...rest } = depthWith({})
  const levels = Object.fromEntries(
    [1, 2, 3, 4, 5].flatMap(level => [
      [`BidPrice${level}`, noValue],
      [`BidVolume${level}`, 0],
      [`AskPrice${level}`, noValue],
      [`AskVolume${level}`, 0],
    ]),
  )
  return { ...rest, ...levels, ...fields } as NapiDepth
}
