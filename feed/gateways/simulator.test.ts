import { createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type SimulatorOptions, startSimulator } from '../simulator/simulator.ts'
import { controlFrame } from './frame.ts'
import { conformance } from './gateway.conformance.ts'
import { SimulatorGateway } from './simulator.ts'
import { Witness } from './witness.ts'

const secrets = { BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'correct' }
const universe = [fileURLToPath(new URL('../simulator/testdata.json', import.meta.url))]
const reconnectMs = { first: 5, longest: 20 }

conformance('the simulator gateway', openBench, { hasConnection: true })

async function openBench() {
  const { ports, control, stop } = await startSimulator({ universe, rate: 40, accounts: [secrets], controlPort: 0 })
  return {
    gateway: () => new SimulatorGateway({ fronts: [`tcp://127.0.0.1:${ports[0]}`], reconnectMs }),
    secrets,
    refused: { ...secrets, PASSWORD: 'wrong' },
    instruments: ['cs1605', 'c1605'] as [string, string],
    cut: () => fetch(`http://127.0.0.1:${control}/faults`, { method: 'POST', body: JSON.stringify({ cut: { all: true } }) }),
    close: stop,
  }
}

describe('the simulator gateway', () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function front(options: SimulatorOptions): Promise<number> {
    const { ports, stop } = await startSimulator({ universe, ...options })
    ends.push(stop)
    return ports[0] ?? 0
  }

  async function fake(answer: (socket: Socket) => void): Promise<number> {
    const server: Server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      ends.push(() => socket.destroy())
      answer(socket)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => server.close())
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  function open(fronts: number[], heartbeatTimeoutMs = 10_000): { gateway: SimulatorGateway; witness: Witness } {
    const gateway = new SimulatorGateway({
      fronts: fronts.map(port => `tcp://127.0.0.1:${port}`),
      reconnectMs,
      heartbeatTimeoutMs,
    })
    ends.push(() => gateway.close())
    return { gateway, witness: new Witness(gateway) }
  }

  const welcome = controlFrame({ op: 'welcome', requestsPerSecond: 10 })

  it('tries the next front when one is not there', async () => {
    const gone = await fake(() => {})
    await ends.pop()?.()
    const there = await front({})
    const { witness } = open([gone, there])
    expect((await witness.nth('connected')).front).toBe(`tcp://127.0.0.1:${there}`)
    expect(witness.all('disconnected')).toEqual([])
  })

  it('takes a front that falls silent for gone, with the reason of a heartbeat', async () => {
    const { witness } = open([await fake(socket => socket.write(welcome))], 30)
    expect((await witness.nth('disconnected')).reason).toBe(0x2001)
    await witness.nth('connected', 2)
  })

  it('drops a front that sends what is no frame', async () => {
    const { witness } = open([await fake(socket => socket.write(Buffer.concat([welcome, Buffer.alloc(16, 0xff)])))])
    expect((await witness.nth('disconnected')).reason).toBe(0x2003)
  })

  it('drops a front whose answers it does not know', async () => {
    const port = await fake(socket => socket.write(Buffer.concat([welcome, controlFrame({ op: 'surprise' })])))
    expect((await open([port]).witness.nth('disconnected')).reason).toBe(0x2003)
  })

  it('returns -3 above the rate of requests that the front announced', async () => {
    const { gateway, witness } = open([await front({ requestsPerSecond: 2 })])
    await witness.nth('connected')
    gateway.login(secrets)
    await witness.nth('loggedIn')
    expect([1, 2, 3].map(() => gateway.subscribe(['cs1605']))).toEqual([0, 0, -3])
    await witness.nth('subscribed', 2)
    expect(witness.all('failed')).toEqual([])
  })

  it('names what is wrong with a front', () => {
    expect(() => new SimulatorGateway({ fronts: ['127.0.0.1:7101'] })).toThrow('write a front as tcp://HOST:PORT')
    expect(() => new SimulatorGateway({ fronts: [] })).toThrow('at least one front')
  })
})
