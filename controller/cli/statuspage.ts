import type { ResourceView, SourceView } from '../api/contract.ts'
import { type DrillView, provenWords } from './drillpage.ts'
import { marketClock, renderSpan } from './duration.ts'
import { asFeed, type FeedView, hasWarmStandby, healthOf, markOf, type State, states, worstFirst } from './health.ts'
import { renderStacks, type StackView } from './stackpage.ts'
import { percent } from './subscriptionpage.ts'
import { renderTable } from './table.ts'
import { paint } from './terminal.ts'

export type StatusPage = {
  server: string
  now: number
  source: SourceView
  feeds: ResourceView[]
  stacks: StackView[]
  drills: DrillView[]
}

const header = ['STATE', 'FEED', 'SESSION', 'ACTIVE', 'COVERAGE', 'TICKS/S', 'STANDBY', 'REVISION', 'MESSAGE']

/** The page of a morning: a headline, what is wrong with the declarations, and a line for each feed, worst first. */
export function renderStatusPage(page: StatusPage, colour: boolean): string {
  const feeds = page.feeds.map(asFeed).sort(worstFirst(page.now))
  const table =
    feeds.length === 0
      ? 'No feeds are declared.\n'
      : renderTable(
          header,
          feeds.map(feed => rowOf(feed, page, colour)),
        )
  const stacks = renderStacks(page.stacks, colour)
  return `${headline(page, feeds, colour)}\n${sourceLines(page.source, page.now, colour)}\n${table}${stacks && `\n${stacks}`}`
}

/** `2 feeds: 1 Stalled, 1 Ready`. */
export function tally(feeds: FeedView[], now: number): string {
  const counts = new Map<State, number>()
  for (const { state } of feeds.map(feed => healthOf(feed, now))) counts.set(state, (counts.get(state) ?? 0) + 1)
  const parts = states.flatMap(state => (counts.has(state) ? [`${counts.get(state)} ${state}`] : []))
  return `${feeds.length} ${feeds.length === 1 ? 'feed' : 'feeds'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}

function headline({ server, now }: StatusPage, feeds: FeedView[], colour: boolean): string {
  return `${paint(tally(feeds, now), 'strong', colour)}   ${paint(`${server}  ${marketClock(now)} Asia/Shanghai`, 'quiet', colour)}`
}

function sourceLines({ location, problems, complete, readAt, held }: SourceView, now: number, colour: boolean): string {
  const others = held === undefined ? problems : problems.filter(({ reason }) => reason !== 'DeletionHeld')
  const lines = others.map(({ file, line, column, path, reason, message, hint }) => {
    const where = `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`
    return `${paint('✗ source', 'bad', colour)} ${where} ${reason}: ${message}${hint === undefined ? '' : `; ${hint}`}\n`
  })
  if (!complete) {
    const age = readAt === undefined ? 'it was never read' : `last read ${renderSpan(now - readAt)} ago`
    lines.unshift(
      `${paint('! source', 'warn', colour)} ${location} could not be read completely (${age}): what ran runs on, nothing is removed\n`,
    )
  }
  if (held !== undefined) lines.unshift(`${paint('✗ held', 'bad', colour)}   ${heldWords(held, now)}\n`)
  return lines.join('')
}

/** Feeds that one line names. */
const namedFeeds = 8

function heldWords({ feeds, since }: NonNullable<SourceView['held']>, now: number): string {
  const more = feeds.length > namedFeeds ? ` and ${feeds.length - namedFeeds} more` : ''
  const names = `${feeds.slice(0, namedFeeds).join(', ')}${more}`
  const what = `${feeds.length} ${feeds.length === 1 ? 'feed is' : 'feeds are'} no longer declared since ${renderSpan(now - since)}: ${names}`
  return `${what}; nothing is removed and they run on -> bring the files back, or \`feedctl approve\` to let them go`
}

function rowOf(feed: FeedView, { now, drills }: StatusPage, colour: boolean): string[] {
  const { state, wrong, todo } = healthOf(feed, now)
  return [
    markOf(state, colour),
    `${feed.metadata.namespace}/${feed.metadata.name}`,
    sessionWords(feed, now),
    activeWords(feed),
    coverageWords(feed),
    feed.status.ticksPerSecond === undefined ? '-' : rate(feed.status.ticksPerSecond),
    [standbyWords(feed), ...provenOf(feed, drills, now)].join(', '),
    revisionWords(feed),
    [wrong, todo].filter(Boolean).join(' -> '),
  ]
}

/** `open, closes 10:15 in 1h21m`. Clock times are Asia/Shanghai. */
export function sessionWords({ status: { market } }: FeedView, now: number): string {
  if (market === undefined) return '-'
  const at = market.nextChange === undefined ? Number.NaN : Date.parse(market.nextChange)
  const change = Number.isNaN(at) ? '' : `, ${market.open ? 'closes' : 'opens'} ${marketClock(at)} in ${renderSpan(at - now)}`
  return `${market.open ? 'open' : 'closed'}${change}`
}

export function activeWords({ status, spec }: FeedView): string {
  if (status.active === undefined) return `- (${spec.credentials.active} declared)`
  return `${status.active} (${(status.activeReason ?? 'unknown').toLowerCase()})`
}

export function coverageWords({ status: { subscriptions } }: FeedView): string {
  if (subscriptions === undefined) return '-'
  return `${subscriptions.acknowledged}/${subscriptions.desired} ${percent(subscriptions.coverage)}`
}

export function standbyWords(feed: FeedView): string {
  const { standby } = feed.status
  if (feed.spec.credentials.backup === undefined) return 'none'
  if (standby === undefined) return hasWarmStandby(feed) ? 'warm, silent' : 'cold'
  return `${standby.account} ${standby.state} ${standby.acknowledged}`
}

/** When the drills of the feed have proven its failover last; nothing where none is declared. */
function provenOf({ metadata }: FeedView, drills: DrillView[], now: number): string[] {
  const its = drills.filter(
    drill => drill.metadata.namespace === metadata.namespace && drill.spec.feedRef === metadata.name && !drill.spec.suspend,
  )
  return its.map(({ status }) => {
    const words = provenWords(status, now)
    return words === 'never' ? 'never proven' : `proven ${words}`
  })
}

export function revisionWords({ status, spec }: FeedView): string {
  const { revision, targetRevision: target, failedRevision } = status
  const runs = revision === undefined ? '-' : String(revision)
  const isElsewhere = target !== undefined && target !== revision
  const aims = isElsewhere ? (target === failedRevision ? ` (${target} failed)` : ` -> ${target}`) : ''
  return `${runs}${aims}${spec.revision === undefined ? '' : ' (pinned)'}`
}

/** Ticks a second, to the precision that anyone reads. */
export function rate(ticksPerSecond: number): string {
  return ticksPerSecond >= 100 ? Math.round(ticksPerSecond).toLocaleString('en-US') : String(Math.round(ticksPerSecond * 10) / 10)
}
