import * as z from 'zod'
import { baseStatusSchema, resourceName } from './contract/resource.ts'
import { duration } from './duration.ts'
import { defineKind } from './kind.ts'

/** Asks for one drill now. The value is a token: the drill is held once per new value, and the status remembers it. */
export const drillAnnotation = 'feedplane.dev/drill'

const cronField = '[0-9A-Za-z*,/#?-]+'

const bounds = z.strictObject({
  failover: duration('5s').meta({ description: 'Longest time until the other account publishes.' }),
  failback: duration('5s').meta({ description: 'Longest time until the first one publishes again.' }),
})

const consumers = z.strictObject({
  maxGrowth: z.int().min(0).max(100_000_000).default(1000).meta({
    description:
      'Messages by which a durable consumer of the stream may fall further behind than it was before the drill. Nothing is judged on core NATS, which keeps no account of consumers.',
  }),
})

export const failoverDrillSpec = z.strictObject({
  feedRef: resourceName.meta({ description: 'Feed that is failed over and back.' }),
  schedule: z
    .string()
    .max(200)
    .regex(
      new RegExp(`^${cronField}( ${cronField}){4}$`),
      'write a schedule as cron has it: minute, hour, day, month, weekday, such as "30 17 * * 1-5"',
    )
    .optional()
    .meta({ description: 'When, as cron has it (five fields); without it only on request.' }),
  timeZone: z
    .string()
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/, 'name a time zone as the IANA does, such as Asia/Shanghai')
    .default('Asia/Shanghai')
    .meta({ description: 'Time zone of the schedule.' }),
  startingDeadline: duration('10m').meta({
    description: 'How late a scheduled drill may still begin, where the controller was away at its time.',
  }),
  market: z.enum(['closed', 'open', 'any']).default('closed').meta({
    description:
      'closed: only outside sessions, where logins, subscriptions and the gate are proven; open: only within them, with ticks; any. A drill at another time is refused, and one that a session overtakes is aborted.',
  }),
  hold: duration('30s').meta({
    description: 'How long the other account publishes before it fails back; longer where it takes longer to be verified.',
  }),
  bounds: bounds.prefault({}).meta({ description: 'What the drill must stay within.' }),
  consumers: consumers.prefault({}).meta({ description: 'What consumers may notice.' }),
  overdueAfter: duration('192h').meta({ description: 'Age of the last drill that passed at which the next is overdue.' }),
  historyLimit: z.int().min(1).max(100).default(20).meta({ description: 'Files with the evidence of drills that are kept.' }),
  suspend: z.boolean().default(false).meta({ description: 'Hold no drill; one that is under way is aborted.' }),
})

export type FailoverDrillSpec = z.infer<typeof failoverDrillSpec>

export const drillVerdicts = ['pass', 'fail', 'refused', 'aborted'] as const
export type DrillVerdict = (typeof drillVerdicts)[number]

const flip = z.object({
  epoch: z.int().meta({ description: 'Epoch that began with it.' }),
  latencyMs: z.number().meta({
    description:
      "By the feed's clock, from its order to the first tick of the new account; to its open gate where the market is closed.",
  }),
  closedMs: z.number().optional().meta({ description: 'Until the old gate was closed, its position taken.' }),
  openedMs: z.number().optional().meta({ description: 'Until the new gate was open.' }),
  firstTickMs: z.number().optional().meta({ description: 'Until the first tick of the new account was published.' }),
})

const consumer = z.object({
  name: z.string().meta({ description: 'Durable name.' }),
  before: z.number().meta({ description: 'Messages that it was behind by before the drill.' }),
  worst: z.number().meta({ description: 'The most that was seen since.' }),
})

const result = z.object({
  id: z.string().meta({ description: 'When it began, as part of a file name.' }),
  verdict: z.enum(drillVerdicts).meta({
    description: 'pass; fail; refused: nothing was touched; aborted: something else came first, and it proves nothing.',
  }),
  reason: z.string().meta({ description: 'Why, in one CamelCase word.' }),
  message: z.string().meta({ description: 'Why, in a sentence for an operator.' }),
  trigger: z.enum(['schedule', 'request']).meta({ description: 'What asked for it.' }),
  startedAt: z.string().meta({ description: 'When it began (ISO 8601).' }),
  endedAt: z.string().meta({ description: 'When it ended (ISO 8601).' }),
  from: z.enum(['primary', 'backup']).optional().meta({ description: 'Account that published before.' }),
  to: z.enum(['primary', 'backup']).optional().meta({ description: 'Account that it failed over to.' }),
  restored: z.boolean().optional().meta({ description: 'Whether the first account published again when it ended.' }),
  failover: flip.optional().meta({ description: 'The way there.' }),
  verifySeconds: z.number().optional().meta({ description: 'Until the other account was verified.' }),
  failback: flip.optional().meta({ description: 'The way back.' }),
  gaps: z.int().optional().meta({ description: 'Gaps that the feed recorded meanwhile.' }),
  consumers: z.array(consumer).optional().meta({ description: 'Durable consumers; absent where nobody keeps account of them.' }),
  evidence: z.string().optional().meta({ description: "File with all that was seen, below the controller's state directory." }),
})
export type DrillResult = z.infer<typeof result>

const proven = z.object({
  from: z.enum(['primary', 'backup']).meta({ description: 'Account that published before.' }),
  to: z.enum(['primary', 'backup']).meta({ description: 'Account that published after.' }),
  at: z.string().meta({ description: 'When a drill proved it last (ISO 8601).' }),
  latencyMs: z.number().meta({ description: 'How long it took.' }),
})
export type ProvenPath = z.infer<typeof proven>

const summary = result.pick({ id: true, verdict: true, reason: true, trigger: true, startedAt: true })

export const failoverDrill = defineKind({
  kind: 'FailoverDrill',
  plural: 'failoverdrills',
  shortNames: ['drill'],
  description: 'A drill on a feed: fail over, verify, fail back, keep the evidence. On a schedule, or on request.',
  spec: failoverDrillSpec,
  status: baseStatusSchema.extend({
    nextRun: z.string().optional().meta({ description: 'When the schedule asks for the next one (ISO 8601).' }),
    phase: z.string().optional().meta({
      description: 'Of the drill under way: failing-over, verifying, failing-back, confirming, or restoring after trouble.',
    }),
    run: z.string().optional().meta({ description: 'Id of the drill under way.' }),
    lastPassAt: z.string().optional().meta({ description: 'When the last drill that passed ended (ISO 8601).' }),
    last: result.optional().meta({ description: 'The last drill, refused ones too.' }),
    proven: z.array(proven).optional().meta({ description: 'When each path was proven last.' }),
    history: z.array(summary).optional().meta({ description: 'The last ten, newest first.' }),
    requests: z.record(z.string(), z.string()).optional().meta({ description: 'One-shot tokens that were carried out.' }),
  }),
  annotations: {
    [drillAnnotation]: 'A new value holds one drill now, as `feedctl drill` does. While one is under way it asks for nothing.',
  },
  columns: [
    { name: 'Feed', path: '.spec.feedRef' },
    { name: 'Schedule', path: '.spec.schedule' },
    { name: 'Next', path: '.status.nextRun', wide: true },
    { name: 'Phase', path: '.status.phase' },
    { name: 'Verdict', path: '.status.last.verdict' },
    { name: 'At', path: '.status.last.endedAt' },
    { name: 'Passed', path: '.status.lastPassAt', wide: true },
    { name: 'Proven', path: ".status.conditions[?(@.type=='Proven')].status" },
    { name: 'Message', path: ".status.conditions[?(@.type=='Proven')].message" },
  ],
  rules: [],
})
