import { endianness } from 'node:os'
import { stalled } from '../../crds/contract/fault.ts'
import { openCalendar } from '../calendar/open.ts'
import { type AccountEntry, Accounts } from './accounts.ts'
import { Activity } from './activity.ts'
import { ExchangeClock } from './clock.ts'
import { type ControlTarget, listenControl } from './control.ts'
import { Faults } from './faults.ts'
import { Front } from './front.ts'
import { Hours } from './hours.ts'
import { Market } from './market.ts'
import { carryOut } from './order.ts'
import { Pacer } from './pacer.ts'
import { Run } from './run.ts'
import { stateOf } from './state.ts'
import { defaultUniverse, readUniverse } from './universe.ts'

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
  /** Mean of ticks a second and instrument; some are busier than others below 2, which is the most that a front pushes. */
  rate?: number
  seed?: number
  /** Absent: anybody may log in who names a user and a password. */
  accounts?: AccountEntry[]
  /** Requests a second and session. */
  requestsPerSecond?: number
  /** `always`: it trades whenever it runs. `china-futures`: in the windows of the catalogue, with auctions and opening bursts. */
  hours?: 'always' | 'china-futures'
  /** Exchange time at the start, in ms since 1970; the machine's by default. */
  startsAt?: number
}

export type Simulator = {
  ports: number[]
  /** Port of the control API. */
  control: number | undefined
  /** From the next login on; see `Accounts.changePassword`. */
  changePassword(brokerId: string, userId: string, password: string): void
  stop(): Promise<void>
}

/** Starts an exchange front in this process. Rejects where a port is taken or the universe cannot be read. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  if (endianness() !== 'LE') throw stalled('ByteOrder', 'the simulator writes its records on little-endian machines only')
  const accounts = new Accounts(options.accounts)
  const { front, run, control: target } = await assemble(options, accounts)
  const closing = [() => front.close()]
  try {
    const listening: number[] = []
    for (const port of options.ports ?? [0]) listening.push(await front.listen(options.host ?? '127.0.0.1', port))
    const control = options.controlPort === undefined ? undefined : await listenControl(options.controlPort, target)
    if (control) closing.push(() => control.close())
    run.start()
    return {
      ...{ ports: listening, control: control?.port, stop: () => stop(run, closing) },
      changePassword: (...change) => accounts.changePassword(...change),
    }
  } catch (error) {
    await stop(run, closing)
    throw error
  }
}

type Assembled = { front: Front; run: Run; control: ControlTarget }

async function assemble(options: SimulatorOptions, accounts: Accounts): Promise<Assembled> {
  const { seed = 1, rate = 2, requestsPerSecond = 100, startsAt } = options
  const instruments = await readUniverse(options.universe ?? [defaultUniverse], options.instruments)
  const startedAt = Date.now()
  const clock = new ExchangeClock()
  const market = new Market(instruments, seed, startsAt ?? startedAt, clock)
  const faults: Faults = new Faults(instruments, () => run.applyFaults())
  const tradingDay = () => clock.time(run.exchangeNow()).tradingDay
  const front = new Front({ market, accounts, faults, requestsPerSecond, tradingDay })
  const activity = new Activity(market.count, seed, rate)
  const pacer = new Pacer(market.count, activity.opportunities, performance.now())
  const hours =
    options.hours === 'china-futures'
      ? new Hours(instruments, openCalendar({ type: 'china-futures' }), startsAt ?? startedAt)
      : undefined
  const run: Run = new Run({ market, front, faults, pacer, activity, clock, hours, startsAt })
  const parts = { market, front, faults, clock, run }
  const control: ControlTarget = {
    state: () => stateOf({ startedAt, market, front, faults, pacer, activity, clock, hours, run }),
    faults: order => carryOut(order, parts),
  }
  return { front, run, control }
}

async function stop(run: Run, closing: (() => Promise<void>)[]): Promise<void> {
  run.stop()
  await Promise.all(closing.map(close => close()))
}
