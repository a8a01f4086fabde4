import { fileURLToPath } from 'node:url'
import { SimulatorGateway } from '../gateways/simulator.ts'
import { Witness } from '../gateways/witness.ts'
import type { FaultRequest } from './faultorder.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts'

export type StageState = {
  instruments: number
  tradingDay: number
  rate: number
  faults: { id: number; kind: string; settings: object; instruments?: number; endsInMs?: number }[]
  sessions: { user?: string; pendingAcknowledgements: number; unsentPackets: number; halfOpen: boolean; subscriptions: number }[]
}

/** Six instruments: cs1605, c1605, AP007, IF2008, au1912 and SP a1709&a1801. */
export const six = [fileURLToPath(new URL('testdata.json', import.meta.url))]

/** A simulator with its control API, and gateways to it, for tests. */
export class Stage {
  readonly simulator: Simulator
  readonly #gateways: SimulatorGateway[] = []

  constructor(simulator: Simulator) {
    this.simulator = simulator
  }

  static async open(options: SimulatorOptions = {}): Promise<Stage> {
    return new Stage(await startSimulator({ universe: six, rate: 40, controlPort: 0, ...options }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map(gateway => gateway.close()))
    await this.simulator.stop()
  }

  async connect(heartbeatTimeoutMs = 10_000): Promise<{ gateway: SimulatorGateway; witness: Witness }> {
    const fronts = [`tcp://127.0.0.1:${this.simulator.ports[0]}`]
    const gateway = new SimulatorGateway({ fronts, reconnectMs: { first: 5, longest: 20 }, heartbeatTimeoutMs })
    this.#gateways.push(gateway)
    const witness = new Witness(gateway)
    await witness.nth('connected')
    return { gateway, witness }
  }

  /** A gateway that is logged in and subscribed, with its stale states there. */
  async session(user: string, instruments: string[] = [], heartbeatTimeoutMs?: number) {
    const { gateway, witness } = await this.connect(heartbeatTimeoutMs)
    gateway.login(secretsOf(user))
    await witness.nth('loggedIn')
    if (instruments.length > 0) {
      gateway.subscribe(instruments)
      await witness.until(() => instruments.every(instrument => witness.ticksOf(instrument).length > 0))
    }
    return { gateway, witness }
  }

  async order(request: FaultRequest | string): Promise<{ status: number; body: StageState & { error?: string } }> {
    const body = typeof request === 'string' ? request : JSON.stringify(request)
    const response = await fetch(`http://127.0.0.1:${this.simulator.control}/faults`, { method: 'POST', body })
    return { status: response.status, body: (await response.json()) as StageState & { error?: string } }
  }

  async state(): Promise<StageState> {
    return (await (await fetch(`http://127.0.0.1:${this.simulator.control}/state`)).json()) as StageState
  }
}

export function secretsOf(user: string) {
  return { BROKER_ID: '9999', USER_ID: user, PASSWORD: 'correct' }
}
