import * as z from 'zod'
import { baseStatusSchema, resourceName } from './contract/resource.ts'
import { duration } from './duration.ts'
import { defineKind } from './kind.ts'
import { absolutePath } from './path.ts'

/** Annotations that ask for one act. The value is a token: the act happens once per new value, and the status remembers it. */
export const requestAnnotations = {
  /** Try a failed revision, and logins that were given up, again although no input changed. */
  retry: 'feedplane.dev/retry',
  /** End the watchdog's override: go back to `credentials.active`. */
  failback: 'feedplane.dev/failback',
  /** Ask the front again for refused, unknown or silent instruments, once. */
  resubscribe: 'feedplane.dev/resubscribe',
} as const

const bytes = z.string().regex(/^[1-9]\d{0,6}(Ki|Mi|Gi)$/, 'write a size as a whole number and Ki, Mi or Gi, such as 512Mi')

const maxVariables = 64

const bind = z.strictObject({
  source: absolutePath.meta({ description: "Folder on the host, below one of the host's bindRoots." }),
  target: absolutePath.meta({ description: 'Folder in the container; read-only.' }),
})

const container = z.strictObject({
  memory: bytes.default('1Gi').meta({ description: 'Memory limit.' }),
  cpus: z.number().min(0.05).max(64).optional().meta({ description: 'CPU limit, in cores.' }),
  pidsLimit: z.int().min(16).max(4096).default(256).meta({ description: 'Limit of processes and threads.' }),
  logMaxSize: bytes.default('16Mi').meta({ description: 'Size of a log file before it is rotated.' }),
  logMaxFiles: z.int().min(1).max(20).default(3).meta({ description: 'Rotated log files that are kept.' }),
  stopGrace: duration('10s').meta({ description: 'Time between SIGTERM and SIGKILL.' }),
  env: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'use capitals, digits and "_" in the name of a variable'), z.string())
    .refine(env => Object.keys(env).length <= maxVariables, `at most ${maxVariables} variables`)
    .default({})
    .meta({
      description: 'Environment, for settings that are not secret. Names that look like secrets are refused.',
      maxProperties: maxVariables,
    }),
  binds: z.array(bind).max(16).default([]).meta({ description: 'Read-only binds, such as recordings.' }),
})

const feedCredentials = z.strictObject({
  active: z
    .enum(['primary', 'backup'])
    .default('primary')
    .meta({ description: 'Account that publishes. Editing it is the failover.' }),
  primary: resourceName.meta({ description: 'Credentials of the primary account.' }),
  backup: resourceName.optional().meta({ description: 'Credentials of the backup account.' }),
  standby: z
    .enum(['warm', 'cold'])
    .default('warm')
    .meta({ description: 'warm: the other account is logged in and subscribed, muted; cold: it is started when needed.' }),
  failback: z.enum(['manual', 'auto']).default('manual').meta({ description: "How a flip of the feed's own watchdog ends." }),
})

const rollout = z.strictObject({
  strategy: z.enum(['Handover', 'Recreate']).optional().meta({
    description:
      'Handover: prove the new process muted beside the old one, then pass the gate: no tick is lost; an account is logged in twice meanwhile. Recreate: stop the old container, start the new one, bring the old one back if it fails. By default Handover where every account allows two logins, else Recreate.',
  }),
  progressDeadline: duration('120s').meta({ description: 'Time in which a revision must prove itself by data.' }),
  minHealthy: duration('10s').meta({ description: 'Time that a revision must stay good before the old one is let go.' }),
  minCoverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.995)
    .meta({ description: 'Share of the instruments that must be acknowledged.' }),
  autoRollback: z.boolean().default(true).meta({ description: 'Bring the last good revision back when a revision fails.' }),
})

export const feedSpec = z.strictObject({
  hostRef: resourceName.meta({ description: 'Host that the feed runs on.' }),
  profileRef: resourceName.meta({ description: 'FeedProfile.' }),
  image: z
    .string()
    .max(512)
    .regex(
      /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
      'write an image as NAME:TAG or NAME@sha256:DIGEST',
    )
    .meta({ description: 'Image, by tag or digest. The digest that runs is in the status.' }),
  imagePullPolicy: z
    .enum(['IfNotPresent', 'Always', 'Never'])
    .default('IfNotPresent')
    .meta({ description: 'When to ask the registry.' }),
  credentials: feedCredentials.meta({ description: 'Accounts and which of them is active.' }),
  subscriptions: z.array(resourceName).min(1).max(64).meta({ description: 'SubscriptionSets.' }),
  container: container.prefault({}).meta({
    description: 'Container settings. What is not here cannot be set: no privileges, no host namespaces, no devices, no sockets.',
  }),
  rollout: rollout.prefault({}).meta({ description: 'How a new revision takes over.' }),
  revision: z.int().min(1).optional().meta({
    description:
      'Run this earlier revision exactly as it was, whatever image, profile and sets say now. `feedctl rollback --to` sets it.',
  }),
  revisionHistoryLimit: z.int().min(2).max(100).default(10).meta({ description: 'Revisions kept.' }),
  deletionPolicy: z.enum(['Delete', 'Orphan']).default('Delete').meta({
    description:
      'What becomes of the feed when it is no longer declared. Delete: everything of it goes. Orphan: its containers stay as they are, managed by nobody, until a Feed of the same name is declared again.',
  }),
  suspend: z.boolean().default(false).meta({ description: 'Stop reconciling. The feed goes on.' }),
  preflight: z.enum(['Required', 'Advisory']).default('Required').meta({
    description:
      'Required: a live feed (gateway ctp) is started only when the accounts are complete and a front of the active one takes connections. Advisory: it is started, and `feedctl preflight` tells.',
  }),
  state: z.enum(['Running', 'Stopped']).default('Running').meta({
    description:
      'Stopped: the process unsubscribes and ends in order, and its container is kept. `feedctl stop` and `feedctl start` set it.',
  }),
})

export type FeedSpec = z.infer<typeof feedSpec>

const subscriptionCounts = z.object({
  desired: z.int().meta({ description: 'Instruments that the declared sets name.' }),
  acknowledged: z.int().meta({ description: 'Of these, acknowledged by the front.' }),
  ticking: z
    .int()
    .meta({ description: 'Of the acknowledged ones, those with a fresh tick on this connection; the first push is none.' }),
  rejected: z.int().meta({ description: 'Of these, refused by the front.' }),
  coverage: z.number().meta({ description: 'acknowledged / desired, 0 to 1.' }),
})

const sessionSummary = z.object({
  account: z.string().meta({ description: 'primary or backup.' }),
  state: z.string().meta({ description: 'idle, starting, connecting, logging-in, subscribing, live, waiting or failed.' }),
  gate: z.string().meta({ description: 'open: publishes; closed: muted.' }),
  front: z.string().optional().meta({ description: 'Front that it is connected to.' }),
  tradingDay: z.string().optional().meta({ description: 'Trading day of the login, YYYYMMDD.' }),
  reason: z.string().optional().meta({ description: 'Why it waits or has failed, in one word.' }),
  message: z.string().optional().meta({ description: 'The same in a sentence.' }),
  errorId: z.int().optional().meta({ description: "The front's error id." }),
  restarts: z.int().meta({ description: 'Restarts of its process since the feed started.' }),
  acknowledged: z.int().meta({ description: 'Subscriptions that the front acknowledged.' }),
  rejected: z.int().meta({ description: 'Subscriptions that the front refused.' }),
  rejections: z
    .array(
      z.object({
        instrument: z.string().meta({ description: 'Instrument.' }),
        reason: z.string().meta({ description: "The front's reason." }),
      }),
    )
    .optional()
    .meta({ description: 'The first 20 instruments that the front refused.' }),
})

const consumersSummary = z.object({
  readAt: z.string().optional().meta({ description: 'When they were read last (ISO 8601); absent before the first time.' }),
  message: z.string().optional().meta({ description: 'Why there is nothing here, or nothing newer.' }),
  stream: z
    .object({
      name: z.string().meta({ description: 'Name.' }),
      bytes: z.number().meta({ description: 'Size.' }),
      limitBytes: z.number().optional().meta({ description: 'Size at which it is full; absent without a limit.' }),
    })
    .optional()
    .meta({ description: 'The stream that the feed publishes into.' }),
  items: z
    .array(
      z.object({
        name: z.string().meta({ description: 'Durable name; `*` stands for all without one.' }),
        backlog: z.number().meta({ description: 'Messages that it was not given yet.' }),
        unacknowledged: z.number().meta({ description: 'Messages that it was given and has not acknowledged.' }),
      }),
    )
    .meta({ description: 'Consumers, those first that are furthest behind; at most 33.' }),
  omitted: z.int().meta({ description: 'Consumers beyond those.' }),
})

export const feedStatus = baseStatusSchema.extend({
  active: z.enum(['primary', 'backup']).optional().meta({ description: 'Account that publishes now.' }),
  activeReason: z.string().optional().meta({ description: 'Why that account: Declared, Override, Drill.' }),
  epoch: z.int().optional().meta({ description: 'Epoch that publishes.' }),
  revision: z.int().optional().meta({ description: 'Revision that runs.' }),
  targetRevision: z.int().optional().meta({ description: 'Revision that the declared inputs ask for.' }),
  lastGoodRevision: z.int().optional().meta({ description: 'Newest revision that proved itself.' }),
  failedRevision: z.int().optional().meta({ description: 'Revision that failed and is not tried again until an input changes.' }),
  image: z.string().optional().meta({ description: 'Image that runs, by digest.' }),
  container: z.string().optional().meta({ description: 'Name of the container or process.' }),
  endpoint: z.string().optional().meta({ description: 'Where the feed answers.' }),
  phase: z
    .string()
    .optional()
    .meta({ description: 'Phase of a rollout in progress; of a feed that is declared Stopped: stopping, stopped.' }),
  strategy: z
    .enum(['Handover', 'Recreate'])
    .optional()
    .meta({ description: 'Strategy of the rollout in progress, else of the next one.' }),
  strategyReason: z.string().optional().meta({ description: 'Why that strategy.' }),
  subscriptions: subscriptionCounts.optional().meta({ description: 'Subscriptions of the active account.' }),
  ticksPerSecond: z.number().optional().meta({ description: 'Ticks published a second.' }),
  lastTickAt: z.string().optional().meta({ description: 'Receive time of the newest tick.' }),
  market: z
    .object({
      open: z.boolean().meta({ description: 'Whether any product is in session.' }),
      nextChange: z.string().optional().meta({ description: 'When that changes next (ISO 8601).' }),
    })
    .optional()
    .meta({ description: 'Whether the market is in session.' }),
  standby: z
    .object({
      account: z.string().meta({ description: 'primary or backup.' }),
      state: z.string().meta({ description: 'State of its session.' }),
      acknowledged: z.int().meta({ description: 'Instruments that its front has acknowledged.' }),
    })
    .optional()
    .meta({ description: 'The other account.' }),
  lastFailover: z
    .object({
      from: z.string().meta({ description: 'Account that published before.' }),
      to: z.string().meta({ description: 'Account that published after.' }),
      epoch: z.int().meta({ description: 'Epoch that began with the flip.' }),
      reason: z.string().meta({ description: "declared, or the watchdog's evidence." }),
      at: z.string().meta({ description: 'When, ISO 8601.' }),
      totalMs: z.number().meta({ description: 'From the order to the first tick of the new account.' }),
      phases: z
        .object({
          closedMs: z.number().optional().meta({ description: 'Old gate closed, its position taken.' }),
          openedMs: z.number().optional().meta({ description: 'New gate open.' }),
          firstTickMs: z.number().optional().meta({ description: 'First tick of the new account published.' }),
        })
        .meta({ description: 'ms from the order until the old gate was closed, the new one open, its first tick published.' }),
    })
    .optional()
    .meta({ description: 'The last flip.' }),
  sessions: z.array(sessionSummary).optional().meta({ description: 'The sessions, one per account that runs.' }),
  consumers: consumersSummary.optional().meta({ description: "Who reads the feed's stream, and how far behind they are." }),
  requests: z.record(z.string(), z.string()).optional().meta({ description: 'One-shot tokens that were carried out.' }),
})

export type FeedStatus = z.infer<typeof feedStatus>

export const feed = defineKind({
  kind: 'Feed',
  plural: 'feeds',
  shortNames: ['mf'],
  description: 'A running market-data feed: host, profile, image, accounts, subscriptions, rollout.',
  spec: feedSpec,
  status: feedStatus,
  annotations: {
    [requestAnnotations.retry]:
      'A new value tries a failed revision again although no input changed, and has logins that were given up (3, 75) tried once more.',
    [requestAnnotations.failback]: "A new value ends the override of the feed's own watchdog: back to `credentials.active`.",
    [requestAnnotations.resubscribe]:
      'A new value (`TOKEN`, or `TOKEN?state=silent&instrument=CZCE.*&batch=100`) asks the front again for refused, unknown or silent instruments.',
  },
  columns: [
    { name: 'Active', path: '.status.active' },
    { name: 'Epoch', path: '.status.epoch', type: 'integer', wide: true },
    { name: 'Revision', path: '.status.revision', type: 'integer' },
    { name: 'Coverage', path: '.status.subscriptions.coverage', type: 'number' },
    { name: 'Ticks/s', path: '.status.ticksPerSecond', type: 'number' },
    { name: 'Image', path: '.spec.image', wide: true },
    { name: 'Ready', path: ".status.conditions[?(@.type=='Ready')].status" },
    { name: 'Message', path: ".status.conditions[?(@.type=='Ready')].message" },
  ],
  rules: [
    {
      path: 'credentials.active',
      cel: "!has(self.credentials.active) || self.credentials.active == 'primary' || has(self.credentials.backup)",
      holds: spec => spec.credentials.active === 'primary' || spec.credentials.backup !== undefined,
      message: 'credentials.active is backup, but no backup account is declared: set credentials.backup',
    },
    {
      path: 'credentials.backup',
      cel: '!has(self.credentials.backup) || self.credentials.backup != self.credentials.primary',
      holds: spec => spec.credentials.backup !== spec.credentials.primary,
      message: 'primary and backup must be different Credentials',
    },
  ],
})
