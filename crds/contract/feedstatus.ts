import * as z from 'zod'
import { accounts } from './desired.ts'

/** Life of a session: what the account is doing. `waiting` and `failed` say why in `message` and `errorId`. */
export const sessionStates = ['idle', 'starting', 'connecting', 'logging-in', 'subscribing', 'live', 'waiting', 'failed'] as const
export type SessionState = (typeof sessionStates)[number]

const count = z.int().min(0)
const time = z.number().meta({ description: 'ms since 1970' })

export const sessionStatusSchema = z.object({
  account: z.enum(accounts),
  state: z.enum(sessionStates),
  since: time,
  reason: z.string().optional(),
  message: z.string().optional(),
  /** The front's error id of the last failure (CTP's ErrorID). */
  errorId: z.int().optional(),
  gate: z.enum(['open', 'closed']),
  front: z.string().optional(),
  tradingDay: z.string().optional(),
  pid: z.int().optional(),
  restarts: count,
  /** `ticking`: acknowledged, and a fresh tick came on this connection; what answers a subscription is none. */
  subscriptions: z.object({ desired: count, acknowledged: count, ticking: count, rejected: count }),
  /** At most 100, with the front's reason. */
  rejections: z.array(z.object({ instrument: z.string(), reason: z.string() })),
  received: count,
  published: count,
  dropped: count,
  conflated: count,
  ticksPerSecond: z.number(),
  lastTickAt: time.optional(),
})
export type SessionStatus = z.infer<typeof sessionStatusSchema>

/** Whether the account's login is not tried again by itself: it failed for good, or the front has locked the account. */
export function isGivenUp({ state, reason }: { state: string; reason?: string | undefined }): boolean {
  return state === 'failed' || (state === 'waiting' && reason === 'AccountLocked')
}

export const failoverRecordSchema = z.object({
  from: z.enum(accounts),
  to: z.enum(accounts),
  epoch: z.int(),
  reason: z.string(),
  at: time,
  /** Phases in ms: the old gate closed and its position taken, the new gate open, the first tick of the new account published. */
  phases: z.object({ closedMs: z.number().optional(), openedMs: z.number().optional(), firstTickMs: z.number().optional() }),
})
export type FailoverRecord = z.infer<typeof failoverRecordSchema>

/** A group of instruments (`SHFE/21:00-02:30`) that is in session and silent, and since when: its newest fresh tick, or the open of its window. */
const silentGroupSchema = z.object({ group: z.string(), since: time })
export type SilentGroup = z.infer<typeof silentGroupSchema>

/** Stands for the consumers without a durable name, together: theirs are made up anew with each connection. `*` can be nobody's name. */
export const ephemeralConsumers = '*'

export const consumerSchema = z.object({
  name: z.string(),
  /** Messages of the stream that were not delivered to it yet, and those that were and are not acknowledged. */
  backlog: count,
  unacknowledged: count,
})

/**
 * Who reads the feed's stream, and how far behind they are, as of `at`. Without `at` nothing was read yet; `message` says why there is nothing,
 * or nothing newer.
 */
export const consumersReportSchema = z.object({
  message: z.string().optional(),
  at: time.optional(),
  /** The stream's size, and its limit where it has one, in bytes. */
  stream: z.object({ name: z.string(), bytes: count, limitBytes: count.optional() }).optional(),
  items: z.array(consumerSchema),
  /** Consumers beyond those. */
  omitted: count,
})
export type ConsumersReport = z.infer<typeof consumersReportSchema>

/** How this process holds its epoch on the bus; `unfenced`: the bus has no JetStream to hold it with. */
export const fenceStates = ['unclaimed', 'claimed', 'unfenced', 'deposed'] as const

/** `holder` is this process, over its restarts; `by` the one that has claimed the epoch in force, or a higher one; `released`: that one had ended in good order when it was found. `message`: why it is unclaimed. */
const fenceSchema = z.object({
  state: z.enum(fenceStates),
  holder: z.string(),
  by: z.object({ holder: z.string(), epoch: z.int(), released: z.literal(true).optional() }).optional(),
  message: z.string().optional(),
})

/** Body of `GET /v1/status` of a feed. */
export const feedReportSchema = z.object({
  feed: z.string(),
  version: z.string(),
  startedAt: time,
  pid: z.int(),
  revision: z.int(),
  /** Epoch in force; higher than the controller's when the watchdog flipped. */
  epoch: z.int(),
  role: z.enum(['publisher', 'standby']),
  active: z.enum(accounts),
  /** Digests of the desired state in force (`digestOf`), for the controller to compare. */
  launchDigest: z.string(),
  liveDigest: z.string(),
  /** Of its instruments: a push may name this in their place (`desiredBodySchema`). */
  instrumentsDigest: z.string().optional(),
  /** Set while the watchdog's choice differs from the desired one. */
  override: z.object({ active: z.enum(accounts), epoch: z.int(), since: time, reason: z.string() }).optional(),
  sessions: z.array(sessionStatusSchema),
  market: z.object({ open: z.boolean(), nextChange: time.optional() }),
  /** Groups of which the account that publishes has had no tick for the watchdog's threshold. The same until one ends or another begins. */
  silentGroups: z.array(silentGroupSchema).optional(),
  publisher: z.object({ type: z.string(), connected: z.boolean(), message: z.string().optional(), outbox: count }),
  consumers: consumersReportSchema.optional(),
  /** Of a feed that publishes to a bus. */
  fence: fenceSchema.optional(),
  lastFailover: failoverRecordSchema.optional(),
  gaps: count,
  /** Sequence of the newest event; 0 before the first. */
  lastEvent: count.optional(),
})
export type FeedReport = z.infer<typeof feedReportSchema>

export const feedEventSchema = z.object({
  sequence: count,
  at: time,
  type: z.enum(['Normal', 'Warning']),
  reason: z.string(),
  message: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
})

/** An event of the feed, `GET /v1/events` (server-sent, `id` is `sequence`, which begins at 1 with each process). */
export type FeedEvent = z.infer<typeof feedEventSchema>
