import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import { type NatsConnection, nanos } from '@nats-io/transport-node'
import type { Launch } from '../../crds/contract/desired.ts'
import { Fault, stalled, transient } from '../../crds/contract/fault.ts'
import { isCovered } from './subjects.ts'

/**
 * Message ids live in the server's memory for so long: at 40,000 ticks a second 400,000 of them. Where an answer stays away
 * for longer, we look into the stream before we send again.
 */
const duplicateWindowMs = 10_000

/** JetStream's code for a stream of that name with other settings: somebody else made it in between. */
const nameInUse = 10_058

export type Stream = { name: string; manager: JetStreamManager; duplicateWindowMs: number }

/**
 * The stream of a feed: created with the profile's limits where it is absent, otherwise taken as it is and never changed.
 * Throws a stalled Fault `StreamUnfit` where it does not capture the feed's subjects or does not acknowledge, and a transient one
 * where JetStream does not answer.
 */
export async function ensureStream(connection: NatsConnection, publish: Launch['publish'], gapSubject: string): Promise<Stream> {
  try {
    const manager = await jetstreamManager(connection)
    const config = (await findStream(manager, publish.stream)) ?? (await createStream(manager, publish))
    assertFit(config, [`${publish.subjectPrefix}.>`, gapSubject])
    return { name: publish.stream, manager, duplicateWindowMs: config.duplicate_window / 1e6 }
  } catch (error) {
    if (error instanceof Fault) throw error
    throw transient('StreamUnavailable', `stream ${publish.stream}: ${messageOf(error)}`, error)
  }
}

async function findStream(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined
    throw error
  }
}

async function createStream(manager: JetStreamManager, publish: Launch['publish']): Promise<StreamConfig> {
  const maxAgeMs = publish.maxAgeSeconds * 1000
  try {
    const info = await manager.streams.add({
      name: publish.stream,
      description: 'Ticks and gaps of market-data feeds',
      subjects: [`${publish.subjectPrefix}.>`, `${publish.subjectPrefix}-gap.>`],
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      max_age: nanos(maxAgeMs),
      max_bytes: publish.maxBytes,
      duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs)),
      allow_direct: true,
    })
    return info.config
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== nameInUse) throw error
    return (await manager.streams.info(publish.stream)).config
  }
}

function assertFit(config: StreamConfig, subjects: string[]): void {
  const missing = subjects.filter(subject => !isCovered(subject, config.subjects ?? []))
  if (missing.length > 0) {
    const advice = 'add them to it, or name another stream in publish.stream'
    throw stalled('StreamUnfit', `stream ${config.name} does not capture ${missing.join(' and ')}: ${advice}`)
  }
  if (config.no_ack) throw stalled('StreamUnfit', `stream ${config.name} does not acknowledge (no_ack): name another stream`)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
