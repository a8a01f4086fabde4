import type { Account } from '../../../crds/contract/desired.ts'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { Workload } from '../../engines/engine.ts'

/** Restarts by the engine after which a workload that proves nothing counts as crashing. */
const crashLoopRestarts = 3

/**
 * Whether a revision has shown that it works. `proven` rests on data: the active account's subscriptions are acknowledged and ticks
 * came (or the market is closed); what a front pushes in answer to a subscription is no tick yet. `refuted` is final for this revision, `pending` may still become either.
 */
export type Proof = { state: 'proven' | 'pending' | 'refuted'; reason: string; message: string }

export function proofOf(
  workload: Workload | undefined,
  report: FeedReport | undefined,
  { active, minCoverage, restartsBefore = 0 }: Expectation,
): Proof {
  if (!workload) return pending('ContainerMissing', 'the container is not there')
  if (workload.restarts - restartsBefore >= crashLoopRestarts && !report) return refuted('CrashLoop', crashMessage(workload))
  if (workload.state !== 'running') return pending('NotRunning', `the container is ${workload.state}${exitText(workload)}`)
  if (!report) return pending('NotAnswering', 'the feed does not answer on its control port yet')
  return report.active === active ? reportProof(report, minCoverage) : pending('FailoverPending', pendingText(report, active))
}

/** What a feed is held to. `restartsBefore` happened before there was anything to prove. */
export type Expectation = { active: Account; minCoverage: number; restartsBefore?: number }

/** The gate has not moved yet: the account that it shall move to is not live. */
function pendingText({ sessions, active }: FeedReport, wanted: Account): string {
  const session = sessions.find(({ account }) => account === wanted)
  return `${wanted} is not live yet (${session?.message ?? session?.state ?? 'not started'}); ${active} goes on`
}

function reportProof(report: FeedReport, minCoverage: number): Proof {
  const rival = report.fence?.by
  if (rival?.released) return pending('EpochReleased', `${rival.holder} has left epoch ${rival.epoch} of this feed on the bus`)
  if (rival) return pending('Deposed', deposedText(rival, report.epoch))
  const session = report.sessions.find(candidate => candidate.account === report.active)
  if (!session) return pending('SessionMissing', `the session of ${report.active} has not started`)
  const said = session.message ?? session.state
  if (session.state === 'failed') return refuted(session.reason ?? 'SessionFailed', `${report.active}: ${said}`)
  if (session.state !== 'live' && session.state !== 'subscribing')
    return pending(session.reason ?? 'NotLoggedIn', `${report.active}: ${said}`)
  const { desired, acknowledged } = session.subscriptions
  if (acknowledged < desired * minCoverage)
    return pending(
      'SubscriptionsIncomplete',
      `${acknowledged} of ${desired} subscriptions are acknowledged (${session.subscriptions.rejected} rejected)`,
    )
  if (report.publisher.type !== 'none' && !report.publisher.connected)
    return pending('BusUnreachable', `the bus does not answer: ${report.publisher.message ?? 'not connected'}`)
  if (session.lastTickAt === undefined && report.market.open) return pending('NoTicks', noTicksText(report.active))
  return { state: 'proven', reason: 'DataFlowing', message: flowText(desired, acknowledged, report.market.open) }
}

/**
 * What keeps a process that is proven from taking over: its standby is worse than that of the process that publishes. A password that was mistyped
 * for the standby is found here, and not when the standby is needed.
 */
export function worseStandby(next: FeedReport, present: FeedReport): Proof | undefined {
  const lost = next.sessions.find(({ account, state }) => {
    const before = present.sessions.find(session => session.account === account)
    return account !== next.active && before?.state === 'live' && state !== 'live'
  })
  if (!lost) return undefined
  const message = `${lost.account}, the standby: ${lost.message ?? lost.state}`
  return lost.state === 'failed' ? refuted(lost.reason ?? 'SessionFailed', message) : pending('StandbyBehind', message)
}

/** Silent groups that a message names. */
const namedGroups = 3

/**
 * Groups in session that have fallen silent, where there are any. It is no part of the proof: silence that begins later is the market's or the
 * front's, and taking the revision back would not end it.
 */
export function silenceOf({ silentGroups = [] }: FeedReport): { reason: string; message: string } | undefined {
  if (silentGroups.length === 0) return undefined
  const named = silentGroups.slice(0, namedGroups).map(({ group, since }) => `${group} since ${new Date(since).toISOString()}`)
  const others = silentGroups.length - named.length
  const more = others > 0 ? ` and ${others} more` : ''
  return { reason: 'GroupSilent', message: `in session, and no tick of ${named.join(', ')}${more}` }
}

function deposedText({ holder, epoch }: { holder: string; epoch: number }, own: number): string {
  return `${holder} has claimed epoch ${epoch} of this feed on the bus, so this process, which has ${own}, publishes nothing: end that one, or ask for a retry to take the gate from it`
}

/** The push that answers a subscription is the state of that moment, perhaps of yesterday: it proves nothing (vnpy#377). */
function noTicksText(account: string): string {
  return `the market is open and no fresh tick has come to ${account}: see \`feedctl subscriptions\`, and the front`
}

/** Without a number that grows through the day: a condition is written when its message changes. */
function flowText(desired: number, acknowledged: number, open: boolean): string {
  return `${acknowledged} of ${desired} subscriptions acknowledged, ${open ? 'ticks flow' : 'market closed'}`
}

function crashMessage(workload: Workload): string {
  return `the process ended ${workload.restarts} times${exitText(workload)}`
}

function exitText({ exitCode, outOfMemory }: Workload): string {
  if (outOfMemory) return ', out of memory: raise container.memory'
  return exitCode === undefined ? '' : `, exit code ${exitCode}`
}

function pending(reason: string, message: string): Proof {
  return { state: 'pending', reason, message }
}

function refuted(reason: string, message: string): Proof {
  return { state: 'refuted', reason, message }
}
