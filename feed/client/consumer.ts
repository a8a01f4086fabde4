import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node'
import type { Gap, Tick } from '../../crds/contract/tick.ts'

export type ConsumerOptions = {
  type: 'nats' | 'jetstream'
  servers: string[]
  subjectPrefix: string
  /** The stream, for `jetstream`. */
  stream?: string
  /** Where to begin in the stream: only what comes from now on (the default), or all that it holds. */
  from?: 'now' | 'start'
  /** NATS subjects of the instruments wanted, such as `market.tick.SHFE.>`; all ticks of the prefix where left out. */
  subjects?: string[]
  secrets?: { TOKEN?: string; USER?: string; PASSWORD?: string }
} & ConsumerHandlers

export type ConsumerHandlers = {
  /** Every tick that fits, in the order of its instrument. */
  onTick?(tick: Tick): void
  /** Sequences that did not come. */
  onMissing?(missing: Missing): void
  /** A gap that the feed itself has told. */
  onGap?(gap: Gap): void
}

export type Missing = {
  feed: string
  epoch: number
  instrument: string
  expected: number
  got: number
  /** `receivedAt` of the ticks on either side: what is missing was received in between. */
  from: number
  to: number
}

/** Whether one of the feed's gaps accounts for what is missing: its instrument, at its time. */
export function isTold({ feed, instrument, from, to }: Missing, gaps: Gap[]): boolean {
  return gaps.some(
    gap =>
      gap.feed === feed &&
      gap.from <= to &&
      gap.to >= from &&
      (gap.instruments.includes(instrument) || gap.instruments.length < gap.instrumentCount),
  )
}

export type Consumer = { counts(): ConsumerCounts; close(): Promise<void> }

export type ConsumerCounts = {
  received: number
  /** Ticks that fitted. */
  accepted: number
  /** Ticks that did not come, by their sequence numbers. */
  missing: number
  /** Refused: the sequence has been seen. */
  duplicates: number
  /** Refused: of an epoch lower than the feed's newest, by a publisher that was deposed. */
  stale: number
  /** Instruments that began again at 1 in a new epoch. */
  restarts: number
  /** Messages that are no tick. */
  malformed: number
  /** Gaps that the feed has told. */
  gaps: number
}

/**
 * Reads ticks from NATS and checks them. In `jetstream` mode an ordered consumer goes on where it stopped when the connection breaks; in core
 * mode what is published meanwhile is missing, and counted. Rejects where the first connection, or the stream, is not there.
 */
export async function openConsumer(options: ConsumerOptions): Promise<Consumer> {
  const checker = new TickChecker(options)
  const connection = await connect({
    name: 'feedplane consumer',
    servers: options.servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 2000,
    timeout: 3000,
    ...(options.secrets?.TOKEN === undefined ? {} : { token: options.secrets.TOKEN }),
    ...(options.secrets?.USER === undefined ? {} : { user: options.secrets.USER, pass: options.secrets.PASSWORD ?? '' }),
  })
  const gapPrefix = `${options.subjectPrefix}-gap.`
  const receive = (message: { subject: string } & Pick<Msg, 'json'>) => {
    const isGap = message.subject.startsWith(gapPrefix)
    checker.receive(isGap ? 'gap' : 'tick', () => message.json<unknown>())
  }
  const subjects = [...(options.subjects ?? [`${options.subjectPrefix}.>`]), `${gapPrefix}>`]
  try {
    await (options.type === 'nats' ? readCore : readStream)(connection, subjects, options, receive)
  } catch (error) {
    await connection.close()
    throw error
  }
  return { counts: () => checker.counts(), close: () => connection.close() }
}

/** Heartbeats come at half of it: a server that has forgotten the consumer (it was killed) is noticed after two of them. */
const expiryMs = 5000

type Receive = (message: { subject: string } & Pick<Msg, 'json'>) => void

async function readCore(connection: NatsConnection, subjects: string[], _options: ConsumerOptions, receive: Receive) {
  const { promise: refused, reject } = Promise.withResolvers<never>()
  // Once it reads, a subject that is forbidden later is the connection's to tell: an error thrown here would end all reading.
  refused.catch(() => undefined)
  const callback = (error: Error | null, message: Msg) => (error === null ? receive(message) : reject(error))
  for (const subject of subjects) connection.subscribe(subject, { callback })
  await Promise.race([connection.flush(), refused])
}

async function readStream(connection: NatsConnection, subjects: string[], options: ConsumerOptions, receive: Receive) {
  if (options.stream === undefined) throw new TypeError('a consumer of type jetstream needs the name of its stream')
  const deliver_policy = options.from === 'start' ? DeliverPolicy.All : DeliverPolicy.New
  // One consumer a subject: one with several filters stops for its whole expiry (seen with server 2.10.27, nats.js 3.4).
  for (const subject of subjects) {
    const consumer = await jetstream(connection).consumers.get(options.stream, { filter_subjects: subject, deliver_policy })
    await consumer.consume({ callback: receive, max_messages: 5000, expires: expiryMs })
  }
}

/** Checks ticks that come from elsewhere, such as the feed's tap over server-sent events; ends with the source. */
export async function checkTicks(source: AsyncIterable<unknown>, handlers: ConsumerHandlers = {}): Promise<ConsumerCounts> {
  const checker = new TickChecker(handlers)
  for await (const value of source) checker.receive('tick', () => value)
  return checker.counts()
}

type Line = { epoch: number; sequence: number; receivedAt: number }

/**
 * Holds ticks to the rules of sequence and epoch:
 *
 * - within an epoch the sequence of an instrument grows by one; what is jumped over is missing, what comes again a duplicate;
 * - a new epoch goes on with the next sequence, or begins again at 1 (the feed has then told a gap);
 * - once a feed has shown an epoch, every lower one is that of a deposed publisher.
 *
 * The first tick of an instrument may have any sequence: a consumer may come late.
 */
export class TickChecker {
  readonly #handlers: ConsumerHandlers
  readonly #epochs = new Map<string, number>()
  readonly #lines = new Map<string, Line>()
  readonly #counts: ConsumerCounts = {
    received: 0,
    accepted: 0,
    missing: 0,
    duplicates: 0,
    stale: 0,
    restarts: 0,
    malformed: 0,
    gaps: 0,
  }

  constructor(handlers: ConsumerHandlers = {}) {
    this.#handlers = handlers
  }

  counts(): ConsumerCounts {
    return { ...this.#counts }
  }

  receive(kind: 'tick' | 'gap', read: () => unknown): void {
    const value = attempt(read)
    if (kind === 'gap' && isGap(value)) this.#told(value)
    else if (kind === 'tick' && isTick(value)) this.check(value)
    else this.#counts.malformed++
  }

  /** Whether the tick is a new one of the publisher in charge. */
  check(tick: Tick): boolean {
    this.#counts.received++
    if (tick.epoch < (this.#epochs.get(tick.feed) ?? 0)) {
      this.#counts.stale++
      return false
    }
    this.#epochs.set(tick.feed, tick.epoch)
    const key = `${tick.feed} ${tick.exchange} ${tick.instrument}`
    const line = this.#lines.get(key)
    const expected = this.#expected(line, tick)
    if (tick.sequence < expected) {
      this.#counts.duplicates++
      return false
    }
    this.#lines.set(key, { epoch: tick.epoch, sequence: tick.sequence, receivedAt: tick.receivedAt })
    if (tick.sequence > expected) this.#missed(tick, expected, line?.receivedAt ?? tick.receivedAt)
    this.#counts.accepted++
    this.#handlers.onTick?.(tick)
    return true
  }

  #expected(line: Line | undefined, tick: Tick): number {
    if (line === undefined) return tick.sequence
    const next = line.sequence + 1
    if (tick.epoch === line.epoch || tick.sequence >= next) return next
    this.#counts.restarts++
    return 1
  }

  #missed({ feed, epoch, instrument, sequence, receivedAt }: Tick, expected: number, from: number): void {
    this.#counts.missing += sequence - expected
    this.#handlers.onMissing?.({ feed, epoch, instrument, expected, got: sequence, from, to: receivedAt })
  }

  #told(gap: Gap): void {
    this.#counts.gaps++
    this.#handlers.onGap?.(gap)
  }
}

function isTick(value: unknown): value is Tick {
  if (typeof value !== 'object' || value === null) return false
  const { feed, instrument, epoch, sequence } = value as Partial<Tick>
  return typeof feed === 'string' && typeof instrument === 'string' && Number.isInteger(epoch) && Number.isInteger(sequence)
}

function isGap(value: unknown): value is Gap {
  return typeof value === 'object' && value !== null && 'reason' in value && 'from' in value && 'to' in value
}

function attempt(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}
