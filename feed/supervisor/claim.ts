import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import * as z from 'zod'
import { Fault, transient } from '../../crds/contract/fault.ts'
import { encodeToken } from '../../crds/contract/subject.ts'

/** One message a feed and subject prefix, of its newest claim. A stream of its own: that of the ticks forgets. */
const stream = { name: 'FEEDPLANE_EPOCHS', subjects: ['feedplane.epoch.>'], max_msgs_per_subject: 1 } as const

/** Rivals that may come between our look and our claim; a feed has two processes at the most. */
const maxTries = 5

/** A server that is well answers within milliseconds. */
const requestMs = 2000

/** The same for a process that is about to end, and must not be killed for a bus that is frozen. */
const lastRequestMs = 500

/** JetStream's codes: the last message of the subject is another one; a stream of that name is there. */
const wrongLastSequence = 10_071
const nameInUse = 10_058

const claimSchema = z.object({ epoch: z.int(), holder: z.string(), at: z.number(), released: z.literal(true).optional() })

/** Who holds which epoch, since when (ms since 1970); `released`: it has ended in good order and publishes no more in that epoch. */
export type Claim = z.infer<typeof claimSchema>

export type Claimant = {
  /** Of `epochSubjectOf`. */
  subject: string
  /** This process, over its restarts: kept in its state directory. */
  holder: string
}

/**
 * How a claim ended. `deposed`: another process has claimed the epoch or a higher one, so this one must not publish, and nothing but a higher
 * epoch helps. `unfenced`: the server has no JetStream, and with it nothing to compare and set.
 */
export type ClaimOutcome = { state: 'claimed' } | { state: 'unfenced' } | { state: 'deposed'; by: Claim }

/**
 * Claims an epoch for this process, before it opens a gate in it: a compare-and-set on the bus itself, so that of two processes which were given
 * the same epoch, or of which one was deposed while it was away, only one ever publishes. To claim what one has claimed already writes
 * nothing.
 *
 * Throws a transient Fault `FenceUnreachable` where the bus does not answer, or does not permit it: whether one may publish is then not known.
 */
export async function claimEpoch(
  epoch: number,
  claimant: Claimant,
  connection: NatsConnection | undefined,
): Promise<ClaimOutcome> {
  if (connection === undefined) throw transient('FenceUnreachable', 'the bus is not connected, so the epoch cannot be claimed')
  try {
    return await claim(epoch, claimant, connection)
  } catch (error) {
    if (error instanceof Fault) throw error
    if (isWithoutJetStream(error)) return { state: 'unfenced' }
    throw transient('FenceUnreachable', `epoch ${epoch} could not be claimed: ${String(error)}`, error)
  }
}

/**
 * Says of an epoch that is claimed by this process that it is free to go: to be called when nothing is sent in it any more. Whoever comes next may
 * then go on above it without asking anybody. A claim of somebody else's stays as it is.
 */
export async function releaseEpoch(epoch: number, { subject, holder }: Claimant, connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: lastRequestMs })
  const last = await lastClaim(manager, subject)
  if (last?.epoch !== epoch || last.holder !== holder || last.released) return
  await tryClaim(connection, subject, { epoch, holder, at: Date.now(), released: true }, last.sequence, lastRequestMs)
}

/** Where the claims of a feed are: two feeds of one name do not meet where their ticks do not. */
export function epochSubjectOf(prefix: string, feed: string): string {
  const [namespace = '', name = ''] = feed.split('/')
  return `feedplane.epoch.${prefix}.${encodeToken(namespace)}.${encodeToken(name)}`
}

/** The holder of a claim that was heard on the subject; `undefined` where it is none. */
export function holderIn(text: string): string | undefined {
  try {
    return claimSchema.parse(JSON.parse(text)).holder
  } catch {
    return undefined
  }
}

async function claim(epoch: number, { subject, holder }: Claimant, connection: NatsConnection): Promise<ClaimOutcome> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: requestMs })
  for (let tries = 0; tries < maxTries; tries++) {
    const last = await lastClaim(manager, subject)
    if (last && (last.epoch > epoch || (last.epoch === epoch && last.holder !== holder))) return { state: 'deposed', by: last }
    if (last?.epoch === epoch && !last.released) return { state: 'claimed' }
    if (await tryClaim(connection, subject, { epoch, holder, at: Date.now() }, last?.sequence ?? 0)) return { state: 'claimed' }
  }
  throw transient('FenceUnreachable', `epoch ${epoch} could not be claimed: others claim it ${maxTries} times in a row`)
}

/** The client does not export the class of that name. */
function isWithoutJetStream(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === JetStreamApiCodes.JetStreamNotEnabledForAccount
  return error instanceof Error && error.name === 'JetStreamNotEnabled'
}

/** A stream that is not there holds no claim; it is made. */
async function lastClaim(manager: JetStreamManager, subject: string): Promise<(Claim & { sequence: number }) | undefined> {
  try {
    const message = await manager.streams.getMessage(stream.name, { last_by_subj: subject })
    return message ? { ...claimSchema.parse(message.json()), sequence: message.seq } : undefined
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error
    await addStream(manager)
    return undefined
  }
}

async function tryClaim(
  connection: NatsConnection,
  subject: string,
  mine: Claim,
  sequence: number,
  timeout = requestMs,
): Promise<boolean> {
  try {
    const expect = { lastSubjectSequence: sequence }
    await jetstream(connection).publish(subject, JSON.stringify(mine), { expect, retries: 0, timeout })
    return true
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === wrongLastSequence) return false
    // JetStream has answered before: it is the stream that does not listen.
    if (isWithoutJetStream(error))
      throw transient('FenceUnreachable', `the stream ${stream.name} does not take ${subject}`, error)
    throw error
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
