import { connect, type Socket } from 'node:net'
import { stalled } from '../../crds/contract/fault.ts'
import { wallClock } from '../wallclock.ts'
import { badPacket, controlFrame, FrameReader, isBadPacket } from './frame.ts'
import { isFrontAddress } from './frontaddress.ts'
import type { AccountSecrets, Gateway, GatewayHandlers, SendResult } from './gateway.ts'
import { type Answer, answerSchema, disconnectReasons, type Request } from './message.ts'
import { RequestWindow } from './requestwindow.ts'
import { TickDecoder, type TickName, tickBytes, tickOffsets } from './tickrecord.ts'
import { Turns } from './turns.ts'

/** Bytes of requests that may wait for the socket; beyond them a request is answered -2. */
const maxUnsentBytes = 1024 * 1024

const connectTimeoutMs = 5000

export type SimulatorGatewayOptions = {
  /** `tcp://HOST:PORT`, tried in turn. */
  fronts: string[]
  /** First and longest wait before the next try; it doubles in between, and half of it is random. */
  reconnectMs?: { first: number; longest: number }
  /** Silence after which the front counts as gone; it sends a heartbeat every second. */
  heartbeatTimeoutMs?: number
}

/** The gateway to `feed/simulator`. */
export class SimulatorGateway implements Gateway {
  readonly #options: Required<SimulatorGatewayOptions>
  readonly #window = new RequestWindow()
  #handlers: GatewayHandlers | undefined
  #socket: Socket | undefined
  /** Why the next `disconnected` comes, where that is known before the socket closes. */
  #reason: number | undefined
  /** The front has welcomed this connection: requests may be sent. */
  #connected = false
  #tries = 0
  #retry: NodeJS.Timeout | undefined

  constructor(options: SimulatorGatewayOptions) {
    for (const front of options.fronts) {
      if (!isFrontAddress(front))
        throw stalled('FrontInvalid', `front ${front}: write a front as tcp://HOST:PORT, PORT from 1 to 65535`)
    }
    if (options.fronts.length === 0) throw stalled('FrontMissing', 'the simulator gateway needs at least one front')
    this.#options = { reconnectMs: { first: 100, longest: 5000 }, heartbeatTimeoutMs: 10_000, ...options }
  }

  open(handlers: GatewayHandlers): void {
    this.#handlers = handlers
    this.#connect()
  }

  login(secrets: AccountSecrets): SendResult {
    return this.#send({ op: 'login', brokerId: secrets.BROKER_ID, userId: secrets.USER_ID, password: secrets.PASSWORD })
  }

  subscribe(instruments: string[]): SendResult {
    return this.#send({ op: 'subscribe', instruments })
  }

  unsubscribe(instruments: string[]): SendResult {
    return this.#send({ op: 'unsubscribe', instruments })
  }

  async close(): Promise<void> {
    this.#handlers = undefined
    clearTimeout(this.#retry)
    const socket = this.#socket
    if (socket === undefined || socket.closed) return
    await new Promise<void>(resolve => {
      socket.once('close', () => resolve())
      socket.destroy()
    })
  }

  #send(request: Request): SendResult {
    const socket = this.#socket
    if (socket === undefined || socket.destroyed || !this.#connected) return -1
    if (socket.writableLength > maxUnsentBytes) return -2
    const admitted = this.#window.admit(request, performance.now())
    if (admitted === 0) socket.write(controlFrame(request))
    return admitted
  }

  #connect(): void {
    const { fronts, heartbeatTimeoutMs } = this.#options
    const front = fronts[this.#tries % fronts.length] ?? ''
    const { hostname, port } = new URL(front)
    this.#tries++
    this.#reason = undefined
    const socket = connect({ host: hostname, port: Number(port), noDelay: true, keepAlive: true })
    this.#socket = socket
    const reader = this.#reader(front, socket)
    socket.setTimeout(connectTimeoutMs, () => this.#drop(socket, disconnectReasons.heartbeatTimeout))
    socket.once('connect', () => socket.setTimeout(heartbeatTimeoutMs))
    const turns = new Turns(socket)
    socket.on('data', (chunk: Buffer) => {
      this.#read(socket, reader, chunk)
      turns.count(chunk.length)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= error.syscall === 'write' ? disconnectReasons.write : disconnectReasons.read
    })
    socket.once('close', () => this.#closed())
  }

  #read(socket: Socket, reader: FrameReader, chunk: Buffer): void {
    try {
      reader.push(chunk)
    } catch (error) {
      if (!isBadPacket(error)) throw error
      this.#drop(socket, disconnectReasons.badPacket)
    }
  }

  #drop(socket: Socket, reason: number): void {
    this.#reason ??= reason
    socket.destroy()
  }

  #closed(): void {
    const wasConnected = this.#connected
    this.#connected = false
    this.#window.reset()
    if (this.#handlers === undefined) return
    const { first, longest } = this.#options.reconnectMs
    const wait = Math.min(longest, first * 2 ** Math.min(Math.max(this.#tries - 1, 0), 16))
    this.#retry = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2))
    if (wasConnected) this.#handlers.disconnected(this.#reason ?? disconnectReasons.read)
  }

  #reader(front: string, socket: Socket): FrameReader {
    const names: (TickName | undefined)[] = []
    const decoder = new TickDecoder()
    return new FrameReader(tickBytes, {
      control: message => {
        const { data: answer, error } = answerSchema.safeParse(message)
        if (answer === undefined) throw badPacket('an answer is none that this gateway knows', error)
        if (this.#handlers !== undefined) this.#answered(answer, this.#handlers, { front, socket, names })
      },
      tick: (view, offset) => {
        const number = view.getUint32(offset + tickOffsets.number, true)
        const name = names[number]
        if (name === undefined) throw badPacket(`a tick has the number ${number}, which no answer named`)
        this.#handlers?.depth(decoder.decode(view, offset, name), wallClock())
      },
    })
  }

  #answered(answer: Answer, handlers: GatewayHandlers, connection: Connection): void {
    switch (answer.op) {
      case 'welcome':
        this.#connected = true
        this.#window.limit(answer.requestsPerSecond)
        handlers.connected(connection.front)
        break
      case 'limit':
        this.#window.limit(answer.requestsPerSecond)
        break
      case 'login':
        if (answer.error === undefined) this.#tries = 0
        answeredLogin(answer, handlers)
        break
      case 'goodbye':
        this.#drop(connection.socket, answer.reason)
        break
      case 'error':
        handlers.failed(answer.error)
        break
      case 'named':
        for (const [instrument, number] of answer.instruments) nameTicks(connection.names, instrument, number)
        break
      default:
        this.#window.answered(answer.instruments.map(one => (typeof one === 'string' ? one : one[0])))
        answeredInstruments(answer, handlers, connection.names)
    }
  }
}

type Connection = { front: string; socket: Socket; names: (TickName | undefined)[] }

function answeredLogin(answer: Extract<Answer, { op: 'login' }>, handlers: GatewayHandlers): void {
  if (answer.error === undefined) handlers.loggedIn({ tradingDay: answer.tradingDay ?? '' })
  else handlers.loginFailed(answer.error)
}

function nameTicks(names: Connection['names'], instrument: string, number: number): void {
  names[number] = { InstrumentID: instrument, ExchangeID: '' }
}

type InstrumentAnswer = Extract<Answer, { op: 'subscribed' | 'unsubscribed' | 'refused' }>

function answeredInstruments(answer: InstrumentAnswer, handlers: GatewayHandlers, names: Connection['names']): void {
  if (answer.op === 'subscribed') {
    for (const [instrument, number] of answer.instruments) {
      nameTicks(names, instrument, number)
      handlers.subscribed(instrument)
    }
  } else if (answer.op === 'unsubscribed') {
    for (const instrument of answer.instruments) handlers.unsubscribed(instrument)
  } else {
    const refused = answer.request === 'subscribe' ? handlers.subscribed : handlers.unsubscribed
    for (const instrument of answer.instruments) refused.call(handlers, instrument, answer.error)
  }
}
