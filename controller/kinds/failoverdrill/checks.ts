import type { FailoverDrillSpec } from '../../../crds/failoverdrill.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import { isTrue } from '../condition.ts'
import { countsConsumers, coverageOf, type DrillInput, minCoverageOf, otherThan, reportOf, sessionOf } from './input.ts'

/** Why a drill is refused. Nothing was touched. */
export type Refusal = { reason: string; message: string }

type Check = (input: DrillInput) => Refusal | undefined

/** How old the standby's newest tick may be while the market is open, in ms: as for a failback that is trusted. */
const freshMs = 60_000

/** What a drill may take beyond its hold time and its bounds, in ms: to be verified, twice. */
export const verifyMs = 15_000

/** In order; the first is told, because the later ones often follow from it. */
const checks: Check[] = [
  isConsistent,
  isNotSuspended,
  isFeedDeclared,
  isFeedReconciled,
  isFeedRunning,
  hasBackup,
  hasWarmStandby,
  isAlone,
  rollsNothingOut,
  isNotOverridden,
  isFeedReady,
  answers,
  declaredPublishes,
  isMarketAsDeclared,
  lastsLongEnough,
  isStandbyLive,
  doesStandbyCover,
  doesStandbyTick,
  areConsumersKnown,
]

/** The first reason why a drill must not begin now. */
export function firstRefusal(input: DrillInput): Refusal | undefined {
  for (const check of checks) {
    const refusal = check(input)
    if (refusal) return refusal
  }
  return undefined
}

/** The longest that a drill takes from its order to its end, in ms. */
export function longestMs({ hold, bounds }: FailoverDrillSpec): number {
  return millisecondsOf(hold) + millisecondsOf(bounds.failover) + millisecondsOf(bounds.failback) + 2 * verifyMs
}

function isConsistent({ problems: [problem] }: DrillInput): Refusal | undefined {
  if (!problem) return undefined
  return { reason: problem.reason, message: `${problem.file}:${problem.line}: ${problem.message}: ${problem.hint}` }
}

function isNotSuspended({ declared }: DrillInput): Refusal | undefined {
  if (!declared?.resource.spec.suspend) return undefined
  return { reason: 'DrillSuspended', message: 'spec.suspend of the drill is true' }
}

function isFeedDeclared({ feed, declared }: DrillInput): Refusal | undefined {
  if (feed) return undefined
  return { reason: 'FeedNotFound', message: `Feed ${declared?.resource.spec.feedRef} is not declared in the namespace` }
}

function isFeedReconciled({ feed }: DrillInput): Refusal | undefined {
  if (!feed?.resource.spec.suspend) return undefined
  return { reason: 'FeedSuspended', message: 'the feed is suspended, so nothing would move its gate: `feedctl resume` it' }
}

function isFeedRunning({ feed }: DrillInput): Refusal | undefined {
  if (feed?.resource.spec.state !== 'Stopped') return undefined
  return { reason: 'FeedStopped', message: 'the feed is declared Stopped: `feedctl start` it' }
}

function hasBackup({ feed }: DrillInput): Refusal | undefined {
  if (feed?.resource.spec.credentials.backup !== undefined) return undefined
  return { reason: 'BackupNotDeclared', message: 'the feed has no backup account: declare one in spec.credentials.backup' }
}

function hasWarmStandby({ feed }: DrillInput): Refusal | undefined {
  if (feed?.resource.spec.credentials.standby !== 'cold') return undefined
  const message = 'the standby is cold, so nobody knows whether it works before it is needed: spec.credentials.standby: warm'
  return { reason: 'StandbyNotLive', message }
}

function isAlone({ rival }: DrillInput): Refusal | undefined {
  return rival === undefined ? undefined : { reason: 'DrillUnderWay', message: `the drill ${rival} is under way on the feed` }
}

function rollsNothingOut({ feedMemory }: DrillInput): Refusal | undefined {
  const { rollout } = feedMemory ?? {}
  return (
    rollout && { reason: 'RolloutInProgress', message: `revision ${rollout.revision} is being rolled out (${rollout.phase})` }
  )
}

function isNotOverridden({ feedMemory, report }: DrillInput): Refusal | undefined {
  const override = feedMemory?.override ?? reportOf({ report })?.override
  if (!override) return undefined
  const message = `the feed's watchdog chose ${override.active} (${override.reason}): \`feedctl failback\` first`
  return { reason: 'OverrideInForce', message }
}

function isFeedReady({ feed, feedStatus }: DrillInput): Refusal | undefined {
  const isCurrent = feedStatus.observedGeneration === feed?.generation
  if (isCurrent && isTrue(feedStatus.conditions, 'Ready')) return undefined
  const ready = feedStatus.conditions?.find(({ type }) => type === 'Ready')
  const words = ready ? `${ready.status} ${ready.reason}: ${ready.message}` : 'not known yet'
  return { reason: 'FeedNotReady', message: isCurrent ? `Ready is ${words}` : 'its newest declaration is not in force yet' }
}

function answers({ report }: DrillInput): Refusal | undefined {
  if (report !== undefined && 'feed' in report) return undefined
  return { reason: 'FeedNotAnswering', message: report?.fault.message ?? 'it is not known where the feed answers' }
}

function declaredPublishes(input: DrillInput): Refusal | undefined {
  const report = reportOf(input)
  const { active } = input.feed?.resource.spec.credentials ?? {}
  if (report?.active === active && report?.role === 'publisher') return undefined
  return { reason: 'FeedNotReady', message: `${active} is declared active, and ${report?.active} is the one to publish` }
}

function isMarketAsDeclared(input: DrillInput): Refusal | undefined {
  const isOpen = reportOf(input)?.market.open
  const { market } = input.declared?.resource.spec ?? {}
  if (market === 'closed' && isOpen)
    return { reason: 'MarketOpen', message: 'the market is in session, and spec.market is closed' }
  if (market === 'open' && !isOpen)
    return { reason: 'MarketClosed', message: 'the market is not in session, and spec.market is open' }
  return undefined
}

/** A session that begins, or ends, in the middle of it would overtake it. */
function lastsLongEnough(input: DrillInput): Refusal | undefined {
  const spec = input.declared?.resource.spec
  const change = reportOf(input)?.market.nextChange
  if (!spec || spec.market === 'any' || change === undefined || change - input.now >= longestMs(spec)) return undefined
  const what = spec.market === 'closed' ? 'opens' : 'closes'
  const seconds = Math.round(longestMs(spec) / 1000)
  return { reason: 'MarketChangesSoon', message: `the market ${what} in less than the ${seconds} s that it may take` }
}

function isStandbyLive(input: DrillInput): Refusal | undefined {
  const standby = standbyOf(input)
  if (standby?.state === 'live') return undefined
  const words = standby === undefined ? 'has no session' : `is ${standby.state}${standby.message ? `: ${standby.message}` : ''}`
  return { reason: 'StandbyNotLive', message: `${otherAccount(input)} ${words}` }
}

function doesStandbyCover(input: DrillInput): Refusal | undefined {
  const coverage = coverageOf(standbyOf(input))
  if (coverage >= minCoverageOf(input)) return undefined
  const { acknowledged, desired } = standbyOf(input)?.subscriptions ?? { acknowledged: 0, desired: 0 }
  return { reason: 'StandbyIncomplete', message: `${acknowledged} of ${desired} subscriptions of the standby are acknowledged` }
}

function doesStandbyTick(input: DrillInput): Refusal | undefined {
  const { lastTickAt } = standbyOf(input) ?? {}
  if (!reportOf(input)?.market.open || input.now - (lastTickAt ?? 0) < freshMs) return undefined
  const since = lastTickAt === undefined ? 'yet' : `since ${new Date(lastTickAt).toISOString()}`
  return { reason: 'StandbySilent', message: `the market is open, and no fresh tick has come to the standby ${since}` }
}

function areConsumersKnown(input: DrillInput): Refusal | undefined {
  const report = reportOf(input)
  if (!report || !countsConsumers(report)) return undefined
  const { consumers } = report
  if (consumers?.at !== undefined && consumers.message === undefined) return undefined
  const why = consumers?.message ?? 'the feed does not tell'
  return {
    reason: 'ConsumersUnknown',
    message: `it is not known how far behind consumers are, so nobody could tell what they notice: ${why}`,
  }
}

const otherAccount = ({ feed }: DrillInput) => otherThan(feed?.resource.spec.credentials.active ?? 'primary')

function standbyOf(input: DrillInput) {
  const report = reportOf(input)
  return report && sessionOf(report, otherAccount(input))
}
