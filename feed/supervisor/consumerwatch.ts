import type { NatsConnection } from '@nats-io/transport-node'
import { Gauge, type Registry } from 'prom-client'
import { asFault } from '../../crds/contract/fault.ts'
import type { ConsumersReport } from '../../crds/contract/feedstatus.ts'
import { readConsumers } from '../publish/consumers.ts'
import type { Supervisor } from './supervisor.ts'

/** Between two looks, in ms: two requests, which cost the server less than one tick of a full market does. */
export const consumersEveryMs = 2000
/** Between two looks where they fail one after the other: a server notes each request that it does not permit. */
const failingEveryMs = 10_000
/** The stream may be made a moment after the first look. */
const failuresBeforeSaid = 2

const reasonsForNone = {
  none: 'this feed publishes to no bus',
  nats: 'core NATS keeps nothing for consumers, so they have no backlog: a consumer that is too slow loses ticks',
} as const

/** Follows who reads the feed's stream and how far behind they are, over the supervisor's own connection to the bus. */
export class ConsumerWatch {
  readonly #supervisor: Supervisor
  readonly #connection: () => NatsConnection | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0

  constructor(supervisor: Supervisor, connection: () => NatsConnection | undefined) {
    this.#supervisor = supervisor
    this.#connection = connection
    const { type } = supervisor.desired.launch.publish
    if (type === 'jetstream') this.#lookIn(0)
    else supervisor.consumers = { message: reasonsForNone[type], items: [], omitted: 0 }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    const timer = this.#timer
    try {
      this.#supervisor.consumers = await this.#read()
      this.#failures = 0
    } catch (error) {
      this.#failed(asFault(error).message)
    }
    if (this.#timer === timer) this.#lookIn(this.#failures < failuresBeforeSaid ? consumersEveryMs : failingEveryMs)
  }

  async #read(): Promise<ConsumersReport> {
    const connection = this.#connection()
    if (connection === undefined) throw new Error('the bus is not connected')
    return readConsumers(connection, this.#supervisor.desired.launch.publish.stream, Date.now())
  }

  /** What was read last stays, with its time and why there is nothing newer. */
  #failed(message: string): void {
    const last: ConsumersReport = this.#supervisor.consumers ?? { items: [], omitted: 0 }
    this.#supervisor.consumers = { ...last, message }
    this.#failures++
    if (this.#failures !== failuresBeforeSaid) return
    const text = 'the consumers of the stream cannot be read'
    this.#supervisor.say({ type: 'Warning', reason: 'ConsumersUnread', message: text, fields: { detail: message } })
  }
}

/** What consumers have before them, as it was read last; nothing where there is no stream. */
export function addConsumerMetrics(registry: Registry, supervisor: Supervisor): void {
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[], fill: (it: Gauge<Label>) => void) =>
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        this.reset()
        fill(this)
      },
    })
  const streamOf = () => supervisor.consumers?.stream
  const fillItems = (of: (item: ConsumersReport['items'][number]) => number) => (it: Gauge<'stream' | 'consumer'>) => {
    const stream = streamOf()?.name ?? ''
    for (const item of supervisor.consumers?.items ?? []) it.set({ stream, consumer: item.name }, of(item))
  }
  const fillStream = (of: () => number | undefined) => (it: Gauge<'stream'>) => {
    const [stream, value] = [streamOf()?.name, of()]
    if (stream !== undefined && value !== undefined) it.set({ stream }, value)
  }
  gauge(
    'md_consumer_backlog_messages',
    'Messages of the stream that a consumer was not given yet.',
    ['stream', 'consumer'],
    fillItems(({ backlog }) => backlog),
  )
  gauge(
    'md_consumer_unacknowledged_messages',
    'Messages that a consumer was given and has not acknowledged.',
    ['stream', 'consumer'],
    fillItems(({ unacknowledged }) => unacknowledged),
  )
  gauge(
    'md_stream_bytes',
    'Size of the stream.',
    ['stream'],
    fillStream(() => streamOf()?.bytes),
  )
  gauge(
    'md_stream_limit_bytes',
    'Size at which the stream is full; none without a limit.',
    ['stream'],
    fillStream(() => streamOf()?.limitBytes),
  )
  gauge(
    'md_consumers_last_read_timestamp_seconds',
    'When the consumers of the stream were read last.',
    ['stream'],
    fillStream(() => (supervisor.consumers?.at ?? 0) / 1000),
  )
}
