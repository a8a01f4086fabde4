import * as z from 'zod'
import { baseStatusSchema, resourceName } from './contract/resource.ts'
import { defineKind } from './kind.ts'
import { relativePath } from './path.ts'

// 1 to 65535, as a pattern: the CRD and editors know it too.
const port = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'

const frontAddress = z
  .string()
  .max(63, 'a front address is at most 63 bytes: napi-ctp keeps it in 64, terminator included, and cuts the rest')
  .regex(new RegExp(`^tcp://[A-Za-z0-9._-]+:${port}$`), 'write a front as tcp://HOST:PORT, PORT from 1 to 65535')

const fronts = z.strictObject({
  primary: z.array(frontAddress).min(1).max(8).optional().meta({ description: 'Fronts of the primary account.' }),
  backup: z.array(frontAddress).min(1).max(8).optional().meta({ description: 'Fronts of the backup account.' }),
})

/** Where ticks come from. One object with a `type` and optional members, because CRDs cannot express a discriminated union. */
export const gatewaySchema = z.strictObject({
  type: z
    .enum(['simulator', 'replay', 'ctp'])
    .meta({ description: 'simulator: our own front over TCP; replay: recorded CSV; ctp: a real front.' }),
  fronts: fronts
    .optional()
    .meta({ description: 'Fronts per account, for simulator and ctp; MD_ADDRESS of the account overrides them.' }),
  replay: z
    .strictObject({
      files: z.array(relativePath('data')).min(1).max(64).meta({ description: 'Recordings, relative to the data directory.' }),
      speed: z.number().min(0.1).max(1000).default(1).meta({ description: 'Times real time.' }),
      loop: z.boolean().default(true).meta({ description: 'Start again at the end.' }),
      skipBreaks: z.boolean().default(true).meta({ description: 'Shorten silences over five seconds to one second.' }),
    })
    .optional()
    .meta({ description: 'Settings of the replay gateway.' }),
})

export const publishSchema = z.strictObject({
  type: z.enum(['none', 'nats', 'jetstream']).meta({ description: 'none: only the tap; nats: core; jetstream: into a stream.' }),
  servers: z
    .array(
      z.string().regex(/^(nats|tls):\/\/[A-Za-z0-9._:[\]-]+$/, 'write a server as nats://HOST:PORT, without credentials in it'),
    )
    .max(8)
    .default([])
    .meta({ description: 'NATS servers.' }),
  subjectPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'use subject tokens of letters, digits, "_" and "-", joined by dots')
    .default('market.tick')
    .meta({ description: 'Ticks go to PREFIX.EXCHANGE.INSTRUMENT.' }),
  stream: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'use letters, digits, "_" and "-"')
    .default('TICKS')
    .meta({ description: 'JetStream stream; created when absent.' }),
  maxAgeSeconds: z.int().min(1).default(86_400).meta({ description: 'Age limit of a stream that the feed creates.' }),
  maxBytes: z
    .int()
    .min(1_048_576)
    .default(1_073_741_824)
    .meta({ description: 'Size limit of a stream that the feed creates, in bytes.' }),
  credentialsRef: resourceName.optional().meta({ description: 'Credentials with `account: nats`.' }),
})

export const rateLimitsSchema = z.strictObject({
  loginsPerSecond: z.number().min(0.01).max(1).default(0.5).meta({ description: 'CTP allows one login a second and session.' }),
  subscribeBatch: z.int().min(1).max(2000).default(500).meta({ description: 'Instruments a request.' }),
  subscribeRequestsPerSecond: z.number().min(0.1).max(1000).default(20).meta({ description: 'Requests a second.' }),
  maxUnacknowledged: z
    .int()
    .min(1)
    .max(10_000)
    .default(2000)
    .meta({ description: 'Instruments requested and not yet acknowledged; a front cuts a session at 10,000 unsent packets.' }),
})

export const watchdogSchema = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'Whether the feed may flip by itself.' }),
  thresholdSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(60)
    .meta({ description: 'Silence in an open session that counts as a stall (MD_FAILOVER_THRESHOLD_SECONDS).' }),
})

export const calendarSchema = z.strictObject({
  type: z
    .enum(['always', 'china-futures'])
    .default('china-futures')
    .meta({ description: 'always: every moment is in session (replay, simulator).' }),
  overrides: relativePath('data').optional().meta({
    description:
      'File (YAML or JSON) of further closed days, open days and windows, relative to the data directory. Read when the feed starts: give a changed file a new name.',
  }),
})

export const queueSchema = z.strictObject({
  maxTicks: z
    .int()
    .min(1000)
    .max(1_000_000)
    .default(65_536)
    .meta({ description: 'Bound of the publishing queue (TICK_QUEUE_MAXSIZE); beyond it ticks are conflated per instrument.' }),
})

export const feedProfileSpec = z.strictObject({
  gateway: gatewaySchema.meta({ description: 'Where ticks come from.' }),
  publish: publishSchema.prefault({ type: 'none' }).meta({ description: 'Where ticks go.' }),
  rateLimits: rateLimitsSchema.prefault({}).meta({ description: 'Limits of the front.' }),
  watchdog: watchdogSchema.prefault({}).meta({ description: 'Stall detection.' }),
  calendar: calendarSchema.prefault({}).meta({ description: 'When the market is open.' }),
  queue: queueSchema.prefault({}).meta({ description: 'Bounds.' }),
})

export const feedProfile = defineKind({
  kind: 'FeedProfile',
  plural: 'feedprofiles',
  shortNames: ['fp'],
  description: 'How a feed behaves: gateway, fronts, limits, watchdog, calendar, publishing, bounds.',
  spec: feedProfileSpec,
  status: baseStatusSchema,
  columns: [
    { name: 'Gateway', path: '.spec.gateway.type' },
    { name: 'Publish', path: '.spec.publish.type' },
  ],
  rules: [
    {
      path: 'gateway.replay',
      cel: "self.gateway.type != 'replay' || has(self.gateway.replay)",
      holds: spec => spec.gateway.type !== 'replay' || spec.gateway.replay !== undefined,
      message: 'the replay gateway needs gateway.replay with at least one file',
    },
    {
      path: 'gateway.replay',
      cel: "self.gateway.type == 'replay' || !has(self.gateway.replay)",
      holds: spec => spec.gateway.type === 'replay' || spec.gateway.replay === undefined,
      message: 'gateway.replay belongs to gateway.type replay only: remove it or change the type',
    },
    {
      path: 'publish.servers',
      cel: "!has(self.publish) || self.publish.type == 'none' || size(self.publish.servers) > 0",
      holds: spec => spec.publish.type === 'none' || spec.publish.servers.length > 0,
      message: 'publishing to NATS needs at least one server in publish.servers',
    },
  ],
})
