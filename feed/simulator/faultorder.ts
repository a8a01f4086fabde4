import * as z from 'zod'

/** Ticks a second and instrument. A real front pushes at most two; more is for load. */
const rateSchema = z.number().min(0).max(50)

const shareSchema = z.number().min(0).max(1).default(1)

const all = z.literal(true).optional().meta({ description: 'Of everything: what it means to name nothing.' })
const forMs = z.int().min(1).max(86_400_000).optional().meta({ description: 'Ends by itself after so many ms.' })
const user = z.string().min(1).optional().meta({ description: 'Only sessions of this user, over reconnects too.' })
const group = z.string().min(1).optional().meta({ description: 'Only EXCHANGE or EXCHANGE.PRODUCT, as CZCE.AP.' })
const instrument = z.string().min(1).optional().meta({ description: 'Only this instrument.' })

/** Limits of an order on the wire of a session, on ticks for all sessions, and on ticks for some. */
const ofSessions = { all, user }
const ofInstruments = { all, group, instrument }
const ofBoth = { all, user, group, instrument }

const somethingNamed = (limits: { all?: true | undefined; user?: unknown; group?: unknown; instrument?: unknown }) =>
  limits.all !== undefined || limits.user !== undefined || limits.group !== undefined || limits.instrument !== undefined
const nameSomething = 'name what: {"all": true}, or a group, an instrument or a user where this order takes one'

/** Faults that hold until they are ended, by kind. */
export const lastingFaults = {
  stall: z
    .strictObject({ ...ofBoth, forMs })
    .refine(somethingNamed, nameSomething)
    .meta({
      description: 'No ticks, while heartbeats and answers go on.',
    }),
  silence: z
    .strictObject({ ...ofBoth, forMs })
    .refine(somethingNamed, nameSomething)
    .meta({
      description: 'Acknowledged and never pushed, not even as a stale state.',
    }),
  trickle: z.strictObject({ ...ofInstruments, rate: rateSchema, forMs }).meta({
    description: 'Ticks a second and instrument of a part of the market.',
  }),
  duplicate: z.strictObject({ ...ofBoth, share: shareSchema, forMs }).meta({ description: 'A share of the pushes comes twice.' }),
  reorder: z
    .strictObject({ ...ofBoth, of: z.enum(['instruments', 'instrument']).default('instruments'), share: shareSchema, forMs })
    .meta({
      description: 'instruments: neighbours change places. instrument: a tick comes after the next one of its instrument.',
    }),
  clockSkew: z.strictObject({ ...ofBoth, ms: z.int().min(-86_400_000).max(86_400_000), forMs }).meta({
    description: "The exchange's clock is so many ms ahead (or behind).",
  }),
  halfOpen: z
    .strictObject({ ...ofSessions, forMs })
    .refine(somethingNamed, nameSomething)
    .meta({
      description: 'Connections stay, and nothing is read or written. When it ends they are reset.',
    }),
  slowReader: z.strictObject({ ...ofSessions, packetsPerSecond: z.int().min(0).max(1_000_000), forMs }).meta({
    description: 'No more packets a second reach a session; the rest waits until the front cuts it for its backlog.',
  }),
  refuseLogins: z.strictObject({ ...ofSessions, errorId: z.int(), forMs }),
  muteLogins: z.strictObject({ ...ofSessions, forMs }).meta({ description: 'Takes logins and never answers them.' }),
  cutAfterLogin: z.strictObject({ ...ofSessions, afterMs: z.int().min(0).max(600_000).default(0), forMs }).meta({
    description: 'Accepts a login and cuts the session.',
  }),
  slowAcknowledgements: z.strictObject({ ...ofSessions, ms: z.number().min(0).max(600_000), forMs }),
  loseAcknowledgements: z.strictObject({ ...ofBoth, share: shareSchema, forMs }).meta({
    description: 'Subscriptions come into force and are not acknowledged.',
  }),
  flowControl: z.strictObject({ ...ofSessions, on: z.boolean().default(true), forMs }).meta({
    description: 'Every request is one too many (-3) while on.',
  }),
  setRate: z.strictObject({ rate: rateSchema, forMs }).meta({ description: 'Mean of ticks a second and instrument.' }),
} as const

export type FaultKind = keyof typeof lastingFaults
export const faultKinds = Object.keys(lastingFaults) as FaultKind[]

const sweepMs = z.int().min(0).max(600_000)

/** What happens once, now. */
const happenings = {
  cut: z.strictObject(ofSessions).refine(somethingNamed, nameSomething).meta({ description: 'Closes sessions without a word.' }),
  openingBurst: z.strictObject({ ...ofInstruments, ms: sweepMs.default(1000) }).meta({
    description: 'Every instrument ticks once more within so many ms, with the lots of an open.',
  }),
  auction: z.strictObject({ ...ofInstruments, ms: sweepMs.default(1000) }).meta({
    description: 'Every instrument pushes the match of an auction within so many ms.',
  }),
  settlement: z.strictObject({ ...ofInstruments, ms: sweepMs.default(1000) }).meta({
    description: 'Every instrument pushes its close and its settlement price within so many ms.',
  }),
  snapshotStorm: z.strictObject(ofBoth).meta({ description: 'Every subscribed instrument is pushed as it stands, all at once.' }),
  futureTick: z
    .strictObject({
      ...ofBoth,
      aheadMs: z
        .int()
        .min(1)
        .max(30 * 86_400_000),
    })
    .meta({
      description: 'Every subscribed instrument is pushed as it stands, dated so many ms ahead.',
    }),
  dayChange: z.strictObject({ days: z.int().min(1).max(30).default(1) }).meta({ description: 'The trading day rolls.' }),
} as const

/** Orders that end others. `clear` names a kind of fault, the id of one, or all of them. */
const endings = {
  clear: z.union([z.enum(['all', ...faultKinds]), z.int()]),
  resume: z.literal(true).meta({ description: 'Ends every stall.' }),
  acceptLogins: z.literal(true).meta({ description: 'Ends refuseLogins, muteLogins and cutAfterLogin.' }),
} as const

/** `muteLogins` was a mere `true` before it had limits, and still may be. */
const muteLogins = z.union([z.literal(true).transform(() => ({})), lastingFaults.muteLogins])

/** Body of `POST /faults`: one or more of these; endings come first, then what lasts, then what happens once. */
export const faultsSchema = z
  .strictObject({ ...endings, ...lastingFaults, muteLogins, ...happenings })
  .partial()
  .refine(order => Object.keys(order).length > 0, {
    error: `an order is one or more of ${[...Object.keys(endings), ...faultKinds, ...Object.keys(happenings)].join(', ')}`,
  })

export type FaultOrder = z.infer<typeof faultsSchema>
/** An order as it is sent: members with a default may be left out. */
export type FaultRequest = z.input<typeof faultsSchema>
/** What an order of any kind may be limited to. */
export type Limits = {
  user?: string | undefined
  group?: string | undefined
  instrument?: string | undefined
  forMs?: number | undefined
}
