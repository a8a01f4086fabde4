import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import * as z from 'zod'
import { Fault, stalled, transient } from '../../crds/contract/fault.ts'
import { encodeToken } from '../../crds/contract/subject.ts'

/** One message a feed, of its newest claim. A stream of its own: that of the ticks forgets. */
const stream = { name: 'FEEDPLANE_EPOCHS', subjects: ['feedplane.epoch.*.*'], max_msgs_per_subject: 1 } as const

/** Rivals that may come between our look and our claim; a feed has two processes at the most. */
const maxTries = 5

/** JetStream's codes: the last message of the subject is another one; a stream of that name is there. */
const wrongLastSequence = 10_071
const nameInUse = 10_058

const claimSchema = z.object({ epoch: z.int(), holder: z.string(), at: z.number() })

export type FenceOptions = {
  /** `namespace/name`. */
  feed: string
  /** This process, over its restarts: kept in its state directory. */
  holder: string
  /** The connection to the bus, while there is one. */
  connection: () => NatsConnection | undefined
}

/** How a claim was made. `unfenced`: the server has no JetStream, and with it nothing to compare and set. */
export type ClaimOutcome = 'claimed' | 'unfenced'

/**
 * Claims an epoch for this process, before it opens a gate in it: a compare-and-set on the bus itself, so that of two processes which were given
 * the same epoch, or of which one was deposed while it was away, only one ever publishes. To claim what one has claimed already does nothing.
 *
 * Throws a stalled Fault `Deposed` where another process has claimed the epoch or a higher one: it must not publish, and nothing but a new desired
 * state with a higher epoch helps. Throws a transient Fault `FenceUnreachable` where the bus does not answer: whether one may publish is
 * then not known.
 */
export async function claimEpoch(epoch: number, options: FenceOptions): Promise<ClaimOutcome> {
  const connection = options.connection()
  if (connection === undefined) throw transient('FenceUnreachable', 'the bus is not connected, so the epoch cannot be claimed')
  try {
    const manager = await jetstreamManager(connection)
    await ensureStream(manager)
    return await claim(epoch, manager, connection, options)
  } catch (error) {
    if (error instanceof Fault) throw error
    if (isWithoutJetStream(error)) return 'unfenced'
    throw transient('FenceUnreachable', `epoch ${epoch} could not be claimed: ${String(error)}`, error)
  }
}

async function claim(
  epoch: number,
  manager: JetStreamManager,
  connection: NatsConnection,
  { feed, holder }: FenceOptions,
): Promise<ClaimOutcome> {
  const subject = subjectFor(feed)
  for (let tries = 0; tries < maxTries; tries++) {
    const last = await lastClaim(manager, subject)
    if (last && (last.epoch > epoch || (last.epoch === epoch && last.holder !== holder)))
      throw stalled('Deposed', `epoch ${epoch} is not ours: ${last.holder} has claimed ${last.epoch}`)
    if (last?.epoch === epoch) return 'claimed'
    if (await tryClaim(connection, subject, { epoch, holder, at: Date.now() }, last?.sequence ?? 0)) return 'claimed'
  }
  throw transient('FenceUnreachable', `epoch ${epoch} could not be claimed: others claim it ${maxTries} times in a row`)
}

/** The client does not export the class of that name. */
function isWithoutJetStream(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === JetStreamApiCodes.JetStreamNotEnabledForAccount
  return error instanceof Error && error.name === 'JetStreamNotEnabled'
}

type Claim = z.infer<typeof claimSchema>

async function lastClaim(manager: JetStreamManager, subject: string): Promise<(Claim & { sequence: number }) | undefined> {
  const message = await manager.streams.getMessage(stream.name, { last_by_subj: subject })
  return message ? { ...claimSchema.parse(message.json()), sequence: message.seq } : undefined
}

async function tryClaim(connection: NatsConnection, subject: string, mine: Claim, sequence: number): Promise<boolean> {
  try {
    await jetstream(connection).publish(subject, JSON.stringify(mine), { expect: { lastSubjectSequence: sequence }, retries: 0 })
    return true
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === wrongLastSequence) return false
    throw error
  }
}

async function ensureStream(manager: JetStreamManager): Promise<void> {
  try {
    await manager.streams.info(stream.name)
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error
    await addStream(manager)
  }
}

/** Read from the leader only: a copy that lags would tell of an older claim. */
async function addStream(manager: JetStreamManager): Promise<void> {
  try {
    await manager.streams.add({
      ...stream,
      subjects: [...stream.subjects],
      description: 'Newest epoch of each feed, and who holds it',
      storage: 'file',
      allow_direct: false,
    })
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== nameInUse) throw error
  }
}

function subjectFor(feed: string): string {
  const [namespace = '', name = ''] = feed.split('/')
  return `feedplane.epoch.${encodeToken(namespace)}.${encodeToken(name)}`
}
