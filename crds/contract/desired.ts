import * as z from 'zod'
import { calendarSchema, gatewaySchema, publishSchema, queueSchema, rateLimitsSchema, watchdogSchema } from '../feedprofile.ts'
import { exchanges, productClasses, windowsSchema } from './catalogue.ts'

/** The two accounts of a feed. */
export const accounts = ['primary', 'backup'] as const
export type Account = (typeof accounts)[number]

/** Instruments that share exchange, product, class and trading windows, so that 20,000 of them stay under 1 MB of JSON. */
export const instrumentGroupSchema = z.object({
  exchange: z.enum(exchanges),
  product: z.string(),
  class: z.enum(productClasses),
  multiplier: z.number(),
  priceTick: z.number(),
  windows: windowsSchema,
  instruments: z.array(z.string()),
})
export type InstrumentGroup = z.infer<typeof instrumentGroupSchema>

/** What a running process cannot change: another `launch` needs another process, and the feed refuses it with 409. */
export const launchSchema = z.object({
  gateway: gatewaySchema,
  publish: publishSchema,
  calendar: calendarSchema,
  queue: queueSchema,
  accounts: z.array(z.enum(accounts)).min(1),
})

/** What a running process takes over at once. */
export const liveSchema = z.object({
  role: z.enum(['publisher', 'standby']),
  active: z.enum(accounts),
  standby: z.enum(['warm', 'cold']),
  rateLimits: rateLimitsSchema,
  watchdog: watchdogSchema,
  instrumentGroups: z.array(instrumentGroupSchema),
})

/**
 * The desired state of one feed process: the body of `PUT /v1/desired` and the content of `desired.json` in its directory.
 * `epoch` only grows: a feed refuses a lower one than it has seen (409 `StaleEpoch`). A lower or equal epoch with another
 * `live.active` or `live.role` is refused too: whoever moves the gate moves the epoch.
 */
export const desiredSchema = z.object({
  version: z.literal(1),
  feed: z.string().meta({ description: 'namespace/name' }),
  revision: z.int().min(1),
  epoch: z.int().min(1),
  launch: launchSchema,
  live: liveSchema,
})

export type Desired = z.infer<typeof desiredSchema>

/**
 * Body of `PUT /v1/desired`: a desired state, or one with `live.instrumentsDigest` in place of the instruments, where those of that digest (`digestOf`) are in
 * force already. The feed reports it as `instrumentsDigest`; one that reports none takes whole states only. 20,000 instruments are 300 KB and 20 ms of a failover.
 */
export const desiredBodySchema = desiredSchema
  .extend({
    live: liveSchema.extend({
      instrumentGroups: liveSchema.shape.instrumentGroups.optional(),
      instrumentsDigest: z.string().optional(),
    }),
  })
  .refine(({ live }) => (live.instrumentGroups === undefined) !== (live.instrumentsDigest === undefined), {
    path: ['live', 'instrumentGroups'],
    error: 'give the instruments, or in their place the digest of those in force as instrumentsDigest',
  })
export type DesiredBody = z.infer<typeof desiredBodySchema>
export type Launch = z.infer<typeof launchSchema>
export type Live = z.infer<typeof liveSchema>

/**
 * The feed's directory (a volume or a folder of its own), all files 0400 and owned by the feed's user when the controller
 * writes them, and the feed's own state beside them:
 *
 *     desired.json                the first desired state, written before the process starts
 *     token                       bearer token of the control API
 *     secrets/<account>/<KEY>     one secret value a file: BROKER_ID, USER_ID, PASSWORD, and where given APP_ID, AUTH_CODE,
 *                                 MD_ADDRESS (overrides the profile's fronts), TD_ADDRESS
 *     secrets/nats/<KEY>          TOKEN, or USER and PASSWORD
 *     state/                      written by the feed: the last accepted desired state, the epoch
 */
export const feedDirectory = {
  desired: 'desired.json',
  token: 'token',
  secrets: 'secrets',
  state: 'state',
} as const
