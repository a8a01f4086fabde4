import type { Account } from '../../../crds/contract/desired.ts'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { Behind, DrillRun } from '../../store/drill.ts'
import { behindOf, type DrillInput, reportOf, sessionOf } from './input.ts'

export type Trouble = NonNullable<DrillRun['trouble']>

type Watch = (input: DrillInput, run: DrillRun) => Trouble | undefined

/** How long the feed may leave us without an answer, in ms. */
const silentMs = 5000

/** What somebody else does comes first, so that it is not told as a failure of the backup. */
const watches: Watch[] = [
  controllerDied,
  drillWithdrawn,
  feedChanged,
  rolloutBegan,
  feedSilent,
  feedRestarted,
  marketChanged,
  accountLost,
  watchdogFlipped,
  gapRecorded,
  groupSilent,
  consumersBehind,
]

/** The first reason why a drill must not go on; what it moved is moved back. */
export function troubleOf(input: DrillInput, run: DrillRun): Trouble | undefined {
  for (const watch of watches) {
    const trouble = watch(input, run)
    if (trouble) return trouble
  }
  return undefined
}

/** The account that the present phase wants to publish. */
export function wantedBy({ phase, from, to }: DrillRun): Account {
  return phase === 'failing-over' || phase === 'verifying' ? to : from
}

const aborted = (reason: string, message: string): Trouble => ({ verdict: 'aborted', reason, message })
const failed = (reason: string, message: string): Trouble => ({ verdict: 'fail', reason, message })

function controllerDied({ life }: DrillInput, run: DrillRun): Trouble | undefined {
  return run.life === life ? undefined : aborted('ControllerRestarted', 'the controller was restarted in the middle of it')
}

function drillWithdrawn({ declared }: DrillInput): Trouble | undefined {
  if (!declared) return aborted('DrillWithdrawn', 'the drill is no longer declared')
  return declared.resource.spec.suspend ? aborted('DrillSuspended', 'spec.suspend of the drill was set') : undefined
}

function feedChanged({ feed }: DrillInput, { generation }: DrillRun): Trouble | undefined {
  if (!feed) return aborted('FeedEdited', 'the feed is no longer declared')
  if (feed.generation === generation) return undefined
  const { suspend, state } = feed.resource.spec
  const what = suspend ? 'suspended' : state === 'Stopped' ? 'stopped' : 'edited'
  return aborted('FeedEdited', `the feed was ${what} (generation ${generation} -> ${feed.generation})`)
}

function rolloutBegan({ feedMemory }: DrillInput): Trouble | undefined {
  const { rollout } = feedMemory ?? {}
  return rollout && aborted('RolloutBegan', `revision ${rollout.revision} is being rolled out`)
}

function feedSilent({ now, report }: DrillInput, { silentSince }: DrillRun): Trouble | undefined {
  if (silentSince === undefined || now - silentSince < silentMs) return undefined
  const why = report !== undefined && 'fault' in report ? report.fault.message : 'it is not known where'
  return failed('FeedLost', `the feed has not answered for ${silentMs / 1000} s: ${why}`)
}

function feedRestarted(input: DrillInput, { processStartedAt }: DrillRun): Trouble | undefined {
  const report = reportOf(input)
  if (!report || report.startedAt === processStartedAt) return undefined
  return failed('FeedRestarted', 'the process of the feed ended and was started again')
}

function marketChanged(input: DrillInput, { market }: DrillRun): Trouble | undefined {
  const isOpen = reportOf(input)?.market.open
  if (market === 'closed' && isOpen === true) return aborted('MarketOpened', 'a session began')
  if (market === 'open' && isOpen === false) return aborted('MarketEnded', 'the session ended')
  return undefined
}

function accountLost(input: DrillInput, run: DrillRun): Trouble | undefined {
  const report = reportOf(input)
  const account = wantedBy(run)
  const session = report && sessionOf(report, account)
  if (!report || session?.state === 'live') return undefined
  const words = session ? `is ${session.state}${session.message ? `: ${session.message}` : ''}` : 'has no session'
  return failed('AccountLost', `${account} ${words}`)
}

function watchdogFlipped(input: DrillInput): Trouble | undefined {
  const override = reportOf(input)?.override
  return override && failed('WatchdogIntervened', `the feed's watchdog chose ${override.active}: ${override.reason}`)
}

function gapRecorded(input: DrillInput, { gaps }: DrillRun): Trouble | undefined {
  const found = (reportOf(input)?.gaps ?? gaps) - gaps
  return found > 0 ? failed('GapRecorded', `the feed has recorded ${found} gaps: \`feedctl events\` says which`) : undefined
}

function groupSilent(input: DrillInput): Trouble | undefined {
  const [silent] = reportOf(input)?.silentGroups ?? []
  return silent && failed('GroupSilent', `in session, and no tick of ${silent.group}`)
}

function consumersBehind(input: DrillInput, run: DrillRun): Trouble | undefined {
  const report = reportOf(input)
  const worst = report && furthest(growthOf(report, run))
  if (!worst || worst.growth <= run.maxGrowth) return undefined
  const message = `${worst.name} is ${worst.growth} messages further behind than before; ${run.maxGrowth} are allowed`
  return failed('ConsumersBehind', message)
}

/** By how much each consumer that was there before is further behind now. */
function growthOf(report: FeedReport, { behind: before = {} }: DrillRun): Behind {
  const now = Object.entries(behindOf(report) ?? {})
  return Object.fromEntries(now.flatMap(([name, behind]) => (before[name] === undefined ? [] : [[name, behind - before[name]]])))
}

function furthest(growth: Behind): { name: string; growth: number } | undefined {
  const [first] = Object.entries(growth).toSorted(([, a], [, b]) => b - a)
  return first && { name: first[0], growth: first[1] }
}
