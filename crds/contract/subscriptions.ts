import * as z from 'zod'
import { exchanges } from './catalogue.ts'
import { accounts } from './desired.ts'
import { sessionStates } from './feedstatus.ts'
import { maxGlobLength } from './glob.ts'

/**
 * What has become of one declared instrument on an account. A subscription is true when it is acknowledged *and* a tick was seen:
 *
 * - `pending`: not asked for yet on this connection, or not answered.
 * - `acknowledged`: by the front; no fresh tick yet, and the market has not been open for long enough to wonder.
 * - `ticking`: acknowledged, and a fresh tick came.
 * - `silent`: acknowledged, and no fresh tick for longer than the bound, counted in open session. An option nobody trades is silent too.
 * - `rejected`: refused, or never answered, as often as is tried.
 * - `quarantined`: the front does not know the instrument (16): not asked for again before the next login, set or retry.
 */
export const subscriptionStates = ['pending', 'acknowledged', 'ticking', 'silent', 'rejected', 'quarantined'] as const
export type SubscriptionState = (typeof subscriptionStates)[number]

/** Open session without a fresh tick after which an instrument is silent, in s. */
export const defaultSilentAfterSeconds = 600

/** Instruments of one answer; the rest is asked for with `after`. */
export const maxListed = 5000

const maxGlobs = 1000
const globs = z.array(z.string().min(1).max(maxGlobLength)).max(maxGlobs)

/** Instruments by patterns of their name or of `EXCHANGE.name`; all where `include` is empty. */
const selection = {
  include: globs.default([]),
  exclude: globs.default([]),
  account: z.enum(accounts).optional(),
  silentAfterSeconds: z.number().min(1).max(86_400).default(defaultSilentAfterSeconds),
}

export const subscriptionQuestionSchema = z.strictObject({
  ...selection,
  states: z.array(z.enum(subscriptionStates)).max(subscriptionStates.length).default([]),
  limit: z.int().min(0).max(maxListed).default(500),
  /** Goes on behind this instrument. */
  after: z.string().max(maxGlobLength).optional(),
})
export type SubscriptionQuestion = z.infer<typeof subscriptionQuestionSchema>

/** What a retry may ask for again. */
export const retryStates = ['rejected', 'quarantined', 'silent'] as const

/**
 * Body of `POST /v1/subscriptions/retry`: an act for this run. It asks for refused, unknown or silent instruments again, at most so
 * many at a time and never faster than the profile allows. It changes nothing that is declared.
 */
export const retryRequestSchema = z.strictObject({
  ...selection,
  states: z
    .array(z.enum(retryStates))
    .min(1)
    .max(retryStates.length)
    .default([...retryStates]),
  batch: z.int().min(1).max(2000).optional(),
  requestsPerSecond: z.number().min(0.1).max(1000).optional(),
  /** How often one that is refused again is asked for once more. */
  retries: z.int().min(0).max(10).default(3),
})
export type RetryRequest = z.infer<typeof retryRequestSchema>

const count = z.int().min(0)
const time = z.number().meta({ description: 'ms since 1970' })

const subscriptionSchema = z.object({
  instrument: z.string(),
  exchange: z.enum(exchanges),
  state: z.enum(subscriptionStates),
  reason: z.string().optional(),
  /** The front's error id of the refusal. */
  errorId: z.int().optional(),
  acknowledgedAt: time.optional(),
  /** Newest fresh tick of this connection. */
  lastTickAt: time.optional(),
  /** A push came since the acknowledgement, be it only the stale one. */
  pushed: z.boolean(),
  /** YYYY-MM, CZCE's decade from the clock. */
  delivery: z.string().optional(),
})
export type Subscription = z.infer<typeof subscriptionSchema>

/** Of the selection. `acknowledged` includes `ticking` and `silent`; `pushed` those with any push, be it only the stale one. */
const countsSchema = z.object({
  desired: count,
  pending: count,
  acknowledged: count,
  pushed: count,
  ticking: count,
  silent: count,
  rejected: count,
  quarantined: count,
})
export type SubscriptionCounts = z.infer<typeof countsSchema>

/** One account's subscriptions; `next` is the `after` of the next question where there are more. */
export const accountListingSchema = z.object({
  counts: countsSchema,
  items: z.array(subscriptionSchema),
  next: z.string().optional(),
})
export type AccountListing = z.infer<typeof accountListingSchema>

/** Body of `GET /v1/subscriptions` of a feed. */
export const subscriptionsViewSchema = z.object({
  feed: z.string(),
  at: time,
  active: z.enum(accounts),
  silentAfterSeconds: z.number(),
  accounts: z.array(accountListingSchema.extend({ account: z.enum(accounts), state: z.enum(sessionStates) })),
})
export type SubscriptionsView = z.infer<typeof subscriptionsViewSchema>

/** Answer to a retry: what is asked for again, by account. */
export const retryAnswerSchema = z.object({ accounts: z.array(z.object({ account: z.enum(accounts), asked: count })) })
export type RetryAnswer = z.infer<typeof retryAnswerSchema>
