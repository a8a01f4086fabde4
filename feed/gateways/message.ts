import * as z from 'zod'

/** A request of a gateway to the simulator's front. */
export const requestSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('login'), brokerId: z.string(), userId: z.string(), password: z.string() }),
  z.object({ op: z.literal('subscribe'), instruments: z.array(z.string()).max(20_000) }),
  z.object({ op: z.literal('unsubscribe'), instruments: z.array(z.string()).max(20_000) }),
])
export type Request = z.infer<typeof requestSchema>

const errorSchema = z.object({ ErrorID: z.int(), ErrorMsg: z.string() })

/** Requests a second that the front takes from a session; the gateway answers -3 above it, as CTP's library does. */
const limitSchema = z.int().min(0)

/** An answer of the front. `number` is what ticks of the instrument are addressed by, for the life of the connection. */
export const answerSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('welcome'), requestsPerSecond: limitSchema }),
  z.object({ op: z.literal('limit'), requestsPerSecond: limitSchema }),
  z.object({ op: z.literal('login'), tradingDay: z.string().optional(), error: errorSchema.optional() }),
  z.object({ op: z.literal('subscribed'), instruments: z.array(z.tuple([z.string(), z.int()])) }),
  /** The instruments are subscribed without being acknowledged, as when an acknowledgement is lost; only a fault sends this. */
  z.object({ op: z.literal('named'), instruments: z.array(z.tuple([z.string(), z.int()])) }),
  z.object({ op: z.literal('unsubscribed'), instruments: z.array(z.string()) }),
  z.object({
    op: z.literal('refused'),
    request: z.enum(['subscribe', 'unsubscribe']),
    instruments: z.array(z.string()),
    error: errorSchema,
  }),
  z.object({ op: z.literal('error'), error: errorSchema }),
  z.object({ op: z.literal('goodbye'), reason: z.int() }),
])
export type Answer = z.infer<typeof answerSchema>

/** CTP's disconnect reasons. */
export const disconnectReasons = {
  read: 0x1001,
  write: 0x1002,
  heartbeatTimeout: 0x2001,
  heartbeatSend: 0x2002,
  badPacket: 0x2003,
} as const

/** CTP's error ids that the simulator and the replay use; `tooFast` is the library's own return code -3. */
export const frontErrors = {
  invalidLogin: { ErrorID: 3, ErrorMsg: 'invalid login' },
  duplicateLogin: { ErrorID: 5, ErrorMsg: 'duplicate login' },
  notLoggedIn: { ErrorID: 6, ErrorMsg: 'not logged in' },
  instrumentNotFound: { ErrorID: 16, ErrorMsg: 'instrument not found' },
  locked: { ErrorID: 75, ErrorMsg: 'account locked after failed logins' },
  tooFast: { ErrorID: -3, ErrorMsg: 'too many requests a second' },
} as const
