import { endianness } from 'node:os'
import { stalled } from '../../crds/contract/fault.ts'
import { type AccountEntry, Accounts } from './accounts.ts'
import { listenControl } from './control.ts'
import { applyFaults } from './faults.ts'
import { Front } from './front.ts'
import { Market } from './market.ts'
import { Pacer } from './pacer.ts'
import { defaultUniverse, readUniverse } from './universe.ts'

/** Ticks leave and requests are answered once in this time; ticks of 5 ms share one write. */
const turnMs = 5
const heartbeatMs = 1000

export type SimulatorOptions = {
  /** Ports of the front; 0 is any free one. Sessions on all of them share one market. */
  ports?: number[]
  /** Where the front listens; the control API is always on loopback. */
  host?: string
  /** Port of the control API; 0 is any free one, absent is none. */
  controlPort?: number
  /** Catalogue files; the shipped one of 14,246 instruments by default. */
  universe?: string[]
  /** Size of the universe: the first ones, or the list and later months of it. */
  instruments?: number
  /** Ticks a second and instrument. */
  rate?: number
  seed?: number
  /** Absent: anybody may log in who names a user and a password. */
  accounts?: AccountEntry[]
  /** Requests a second and session. */
  requestsPerSecond?: number
}

export type Simulator = {
  ports: number[]
  /** Port of the control API. */
  control: number | undefined
  stop(): Promise<void>
}

/** Starts an exchange front in this process. Rejects where a port is taken or the universe cannot be read. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  if (endianness() !== 'LE') throw stalled('ByteOrder', 'the simulator writes its records on little-endian machines only')
  const { ports = [0], host = '127.0.0.1', seed = 1, rate = 2, requestsPerSecond = 100 } = options
  const instruments = await readUniverse(options.universe ?? [defaultUniverse], options.instruments)
  const market = new Market(instruments, seed, Date.now())
  const front = new Front(market, new Accounts(options.accounts), requestsPerSecond)
  const pacer = new Pacer(market.count, rate, performance.now())
  const run = new Run(market, front, pacer)
  const closing = [() => front.close()]
  try {
    const listening: number[] = []
    for (const port of ports) listening.push(await front.listen(host, port))
    const control = options.controlPort === undefined ? undefined : await listenControl(options.controlPort, run)
    if (control) closing.push(() => control.close())
    run.start()
    return { ports: listening, control: control?.port, stop: () => stop(run, closing) }
  } catch (error) {
    await stop(run, closing)
    throw error
  }
}

async function stop(run: Run, closing: (() => Promise<void>)[]): Promise<void> {
  run.stop()
  await Promise.all(closing.map(close => close()))
}

/** The running simulator: its two timers and what it tells about itself. */
class Run {
  readonly #market: Market
  readonly #front: Front
  readonly #pacer: Pacer
  readonly #startedAt = Date.now()
  #generated = 0
  #timers: NodeJS.Timeout[] = []

  constructor(market: Market, front: Front, pacer: Pacer) {
    this.#market = market
    this.#front = front
    this.#pacer = pacer
  }

  start(): void {
    this.#timers = [setInterval(() => this.#turn(), turnMs), setInterval(() => this.#front.heartbeat(), heartbeatMs)]
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  faults(order: Parameters<typeof applyFaults>[0]): string | undefined {
    return applyFaults(order, this.#market, this.#front, rate => this.#pacer.setRate(rate, performance.now()))
  }

  state(): object {
    const { faults, counters, sessions } = this.#front
    return {
      startedAt: this.#startedAt,
      instruments: this.#market.count,
      rate: this.#pacer.rate,
      requestsPerSecond: this.#front.requestsPerSecond,
      ticks: { generated: this.#generated, late: this.#pacer.late },
      counters,
      faults: {
        ...faults,
        stalledUsers: [...faults.stalledUsers],
        stalledInstruments: this.#front.silent.reduce((sum, silent) => sum + silent, 0),
      },
      sessions: [...sessions].map(session => ({
        id: session.id,
        port: session.port,
        user: session.user,
        since: session.since,
        subscriptions: session.subscriptions,
        pendingAcknowledgements: session.pendingAcknowledgements,
        unsentPackets: session.outbox.packets,
        sentTicks: session.sentTicks,
        stalled: session.stalled,
      })),
    }
  }

  #turn(): void {
    const now = performance.now()
    this.#front.acknowledge(now)
    for (const [from, to] of this.#pacer.due(now)) this.#tick(from, to)
  }

  /** Instruments that nobody is subscribed to stand still, so that their state is stale when somebody comes. */
  #tick(from: number, to: number): void {
    const { subscribers, silent } = this.#front
    const now = Date.now()
    let ticked = 0
    for (let number = from; number < to; number++) {
      if (subscribers[number] === 0 || silent[number] === 1) continue
      this.#market.step(number, now)
      ticked++
    }
    if (ticked === 0) return
    this.#generated += ticked
    this.#front.push(from, to)
  }
}
