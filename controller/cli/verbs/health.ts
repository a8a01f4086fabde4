import type { SubscriptionsView } from '../../../crds/contract/subscriptions.ts'
import { isUnreachable } from '../answer.ts'
import { durationMsOf, numberOf } from '../argument.ts'
import { assess, type Bounds, escalationOf } from '../assessment.ts'
import type { Context } from '../context.ts'
import { enforce } from '../enforcement.ts'
import { type ExitCode, ExitError, exitCodes } from '../exit.ts'
import { feedKeys, within } from '../feedkeys.ts'
import { asFeed } from '../health.ts'
import { exitMetric, healthMetrics, ranAt } from '../healthmetrics.ts'
import { type FeedHealth, type HealthMode, type HealthReport, healthReport, renderHealth } from '../healthreport.ts'
import { type PushedMetric, pushed } from '../pushgateway.ts'
import { resourceOf } from '../reference.ts'
import { readAll } from '../subscriptionlist.ts'

export type HealthOptions = {
  mode: HealthMode
  threshold: string
  stalledAfter: string
  lagWarning: string
  lagCritical: string
  backoff: string
  timeout: string
  push?: string
  output: 'text' | 'json' | 'csv'
}

/** Feeds that are asked at the same time. */
const atOnce = 8

/**
 * Checks the health of feeds, and with `--mode enforce` has asked again what is missing or silent, three times at most. Exit 0 ok,
 * 1 warning, 2 error. Needs no terminal, and ends within `--timeout`.
 */
export async function health(context: Context, names: string[], options: HealthOptions): Promise<ExitCode> {
  const { terminal } = context
  try {
    const report = await check(context, names, options)
    terminal.out(renderHealth(report, options.output, terminal))
    const code = codes[report.level]
    const isTold = await push(context, names, options, [
      ...healthMetrics(report),
      ranAt(report.at),
      exitMetric('health', [['health', code]]),
    ])
    return isTold || code !== exitCodes.ok ? code : exitCodes.negative
  } catch (error) {
    await push(context, names, options, [ranAt(terminal.now()), exitMetric('health', [['health', exitCodes.trouble]])])
    throw error
  }
}

async function check(context: Context, names: string[], options: HealthOptions): Promise<HealthReport> {
  const { mode } = options
  const bounds = boundsOf(options)
  const backoffMs = durationMsOf('--backoff', options.backoff)
  const limited = within(context, 'health', options.timeout)
  const look = (key: string) => lookAt(limited, key, bounds, mode)
  const feeds = await lookAll(await feedKeys(limited, names), look)
  if (mode === 'enforce')
    await enforce(limited, feeds, { backoffMs, look }).catch((error: unknown) => {
      if (context.signal.aborted || !limited.signal.aborted) throw error
      // What was found and asked for is worth more than that the time is over.
      context.terminal.err(`--timeout ${options.timeout} is over; this is how it was seen last\n`)
    })
  return healthReport(context.terminal.now(), mode, [...feeds.values()].map(withEscalation))
}

const codes = { ok: exitCodes.ok, warning: exitCodes.negative, error: exitCodes.trouble } as const

function push(context: Context, names: string[], options: HealthOptions, metrics: PushedMetric[]): Promise<boolean> {
  return pushed(
    context,
    options.push,
    { job: 'feedctl_health', ...(names.length > 0 && { selection: names.join(',') }) },
    metrics,
  )
}

async function lookAll(keys: string[], look: (key: string) => Promise<FeedHealth>): Promise<Map<string, FeedHealth>> {
  const found = new Map<string, FeedHealth>()
  for (let first = 0; first < keys.length; first += atOnce) {
    const seen = await Promise.all(keys.slice(first, first + atOnce).map(look))
    for (const feed of seen) found.set(feed.feed, feed)
  }
  return found
}

async function lookAt(context: Context, key: string, bounds: Bounds, mode: HealthMode): Promise<FeedHealth> {
  const { controller, terminal, signal } = context
  // A feed that cannot be asked is a finding, a controller that cannot is the end.
  const whyNot = (error: unknown): string => {
    if (error instanceof ExitError && !signal.aborted && !isUnreachable(error)) return error.message
    throw error
  }
  const [subscriptions, calendar] = await Promise.all([
    readAll(context, key, questionOf(bounds, mode), mode === 'audit' ? Number.POSITIVE_INFINITY : 0).catch(whyNot),
    controller.calendar(key, { days: 1 }).catch(whyNot),
  ])
  // Last, because the questions may have led to a newer status.
  const feed = asFeed(await resourceOf(context, 'Feed', key))
  const sight = { feed, subscriptions, calendar: typeof calendar === 'string' ? undefined : calendar, now: terminal.now() }
  return { ...assess(sight, bounds), attempts: [], ...(mode === 'audit' && { instruments: instrumentsOf(subscriptions) }) }
}

function instrumentsOf(subscriptions: SubscriptionsView | string): NonNullable<FeedHealth['instruments']> {
  if (typeof subscriptions === 'string') return []
  return subscriptions.accounts.flatMap(({ account, items }) => items.map(item => ({ ...item, account })))
}

function questionOf({ silentAfterSeconds }: Bounds, mode: HealthMode) {
  return { silentAfterSeconds, ...(mode === 'audit' && { state: 'pending,silent,rejected,quarantined' }) }
}

function withEscalation(feed: FeedHealth): FeedHealth {
  const escalation = feed.level === 'error' || feed.failoverRequired || feed.remedy ? escalationOf(feed) : undefined
  return { ...feed, ...(escalation !== undefined && { escalation }) }
}

function boundsOf({ threshold, stalledAfter, lagWarning, lagCritical }: HealthOptions): Bounds {
  return {
    threshold: numberOf('--threshold', threshold, 0, 1),
    silentAfterSeconds: durationMsOf('--stalled-after', stalledAfter) / 1000,
    lagWarningMs: durationMsOf('--lag-warning', lagWarning),
    lagCriticalMs: durationMsOf('--lag-critical', lagCritical),
  }
}
