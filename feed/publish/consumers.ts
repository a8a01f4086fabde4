import { type ConsumerInfo, jetstreamManager, type Lister, type StreamInfo } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { type ConsumersReport, ephemeralConsumers } from '../../crds/contract/feedstatus.ts'

/** Durable consumers that are named, those first that are furthest behind. */
export const maxNamed = 32

/** Consumers that one look reads, in pages of 256. */
const maxRead = 1024

const answerMs = 2000

/**
 * Reads who consumes a stream and how far behind they are: one request for the stream, and one for each 256 consumers. `now` is ms since 1970.
 * Throws what the client throws where the server does not answer, does not permit it, or has no such stream.
 */
export async function readConsumers(connection: NatsConnection, stream: string, now: number): Promise<ConsumersReport> {
  const manager = await jetstreamManager(connection, { timeout: answerMs, checkAPI: false })
  const info = await manager.streams.info(stream)
  const read = info.state.consumer_count === 0 ? [] : await firstOf(manager.consumers.list(stream))
  return consumersOf(info, read, now)
}

/** The report of what was read of a stream and its consumers. */
export function consumersOf({ config, state }: StreamInfo, read: ConsumerInfo[], now: number): ConsumersReport {
  const durable = read.filter(isDurable).map(itemOf).sort(furthestFirst)
  const ephemeral = read.filter(consumer => !isDurable(consumer)).map(itemOf)
  const named = durable.slice(0, maxNamed)
  return {
    at: now,
    stream: {
      name: config.name,
      bytes: state.bytes,
      ...(config.max_bytes > 0 ? { limitBytes: config.max_bytes } : {}),
    },
    items: ephemeral.length === 0 ? named : [...named, together(ephemeral)],
    omitted: Math.max(0, state.consumer_count - named.length - ephemeral.length),
  }
}

async function firstOf(consumers: Lister<ConsumerInfo>): Promise<ConsumerInfo[]> {
  const read: ConsumerInfo[] = []
  for (;;) {
    const page = await consumers.next()
    read.push(...page)
    if (page.length === 0 || read.length >= maxRead) return read
  }
}

type Item = ConsumersReport['items'][number]

const isDurable = ({ config }: ConsumerInfo): boolean => config.durable_name !== undefined

function itemOf({ name, num_pending: backlog, num_ack_pending: unacknowledged }: ConsumerInfo): Item {
  return { name, backlog, unacknowledged }
}

function together(items: Item[]): Item {
  const sum = (of: (item: Item) => number): number => items.reduce((total, item) => total + of(item), 0)
  return {
    name: ephemeralConsumers,
    backlog: sum(({ backlog }) => backlog),
    unacknowledged: sum(({ unacknowledged }) => unacknowledged),
  }
}

function furthestFirst(a: Item, b: Item): number {
  return b.backlog + b.unacknowledged - (a.backlog + a.unacknowledged) || a.name.localeCompare(b.name)
}
