import { ephemeralConsumers } from '../../crds/contract/feedstatus.ts'
import type { ResourceEvent, ResourceView, RevisionView } from '../api/contract.ts'
import { renderSpan } from './duration.ts'
import { asFeed, type FeedView, healthOf, markOf } from './health.ts'
import { eventRows, revisionRows } from './records.ts'
import { asStack, serviceHeader, serviceRows } from './stackpage.ts'
import { activeWords, coverageWords, rate, revisionWords, sessionWords, standbyWords } from './statuspage.ts'
import { renderTable } from './table.ts'
import { paint } from './terminal.ts'

export type Description = { view: ResourceView; revisions: RevisionView[]; events: ResourceEvent[]; now: number }

/** Everything about one resource on a page; sections without content are left out. */
export function renderDescription({ view, revisions, events, now }: Description, colour: boolean): string {
  const sections = [
    section('', identityRows(view, now, colour)),
    section('Spec', specRows(view.spec)),
    view.kind === 'Feed' ? feedSections(asFeed(view), now) : '',
    view.kind === 'Stack' ? table('Services', serviceHeader, serviceRows(asStack(view))) : '',
    table('Conditions', ['TYPE', 'STATUS', 'SINCE', 'REASON', 'MESSAGE'], conditionRows(view, now)),
    table('Revisions', ['REVISION', 'STATE', 'AGE', 'IMAGE', 'CHANGES'], revisionRows(revisions, now)),
    table('Events', ['AGE', 'TYPE', 'REASON', 'COUNT', 'MESSAGE'], eventRows(events, now)),
  ]
  return sections
    .filter(Boolean)
    .map(text => text.replace(/^(\w[\w ]*:)$/m, heading => paint(heading, 'strong', colour)))
    .join('\n')
}

function identityRows(view: ResourceView, now: number, colour: boolean): string[][] {
  const { metadata, origin, status } = view
  const health = view.kind === 'Feed' ? healthOf(asFeed(view), now) : undefined
  return [
    [`${view.kind}:`, `${metadata.namespace}/${metadata.name}`],
    ['Declared:', origin === undefined ? 'nowhere any more' : `${origin.file}:${origin.line}`],
    ['Generation:', `${metadata.generation}, observed ${status.observedGeneration ?? 'none'}`],
    ...(health === undefined ? [] : [['State:', markOf(health.state, colour)]]),
    ...(health === undefined || health.wrong === ''
      ? []
      : [
          ['Wrong:', health.wrong],
          ['To do:', health.todo],
        ]),
    ...mapRows('Label:', metadata.labels),
    ...mapRows('Annotation:', metadata.annotations),
  ]
}

function mapRows(title: string, map: Record<string, string> | undefined): string[][] {
  return Object.entries(map ?? {}).map(([name, value]) => [title, `${name}=${value}`])
}

/** Longest list that the summary of a spec writes out. */
const longestList = 8

/** A spec as dotted paths and values; long lists are counted. */
export function specRows(spec: unknown, path = ''): string[][] {
  if (Array.isArray(spec)) {
    const scalars = spec.every(item => typeof item !== 'object' || item === null)
    if (spec.length > longestList) return [[path, `${spec.length} entries`]]
    return scalars ? [[path, spec.join(', ') || 'none']] : spec.flatMap((item, i) => specRows(item, `${path}[${i}]`))
  }
  if (typeof spec !== 'object' || spec === null) return [[path, String(spec)]]
  return Object.entries(spec).flatMap(([name, value]) => specRows(value, path === '' ? name : `${path}.${name}`))
}

function feedSections(feed: FeedView, now: number): string {
  const { status } = feed
  const rejected = status.subscriptions?.rejected ?? 0
  return [
    section('Sessions', [
      ['Market:', sessionWords(feed, now)],
      ['Active:', `${activeWords(feed)}${status.epoch === undefined ? '' : `, epoch ${status.epoch}`}`],
      ['Standby:', standbyWords(feed)],
      ['Container:', [status.container ?? '-', status.image, status.endpoint].filter(Boolean).join('  ')],
    ]),
    table(
      'Accounts',
      ['ACCOUNT', 'STATE', 'GATE', 'FRONT', 'DAY', 'ACKNOWLEDGED', 'REJECTED', 'RESTARTS', 'MESSAGE'],
      accountRows(feed),
    ),
    section('Subscriptions', [
      ['Acknowledged:', coverageWords(feed)],
      ['Ticking:', String(status.subscriptions?.ticking ?? '-')],
      ['Rejected:', String(rejected)],
      ['Ticks/s:', status.ticksPerSecond === undefined ? '-' : rate(status.ticksPerSecond)],
      ['Newest tick:', status.lastTickAt === undefined ? '-' : `${ago(status.lastTickAt, now)} ago`],
    ]),
    table('Rejected', ['ACCOUNT', 'INSTRUMENT', 'REASON'], rejectionRows(feed)),
    section('Rollout', [
      ['Revision:', revisionWords(feed)],
      ['Last good:', String(status.lastGoodRevision ?? '-')],
      ['Failed:', String(status.failedRevision ?? '-')],
      ['Phase:', status.phase ?? '-'],
      ['Strategy:', strategyWords(feed)],
    ]),
    failoverSection(feed, now),
    consumerSection(feed, now),
  ]
    .filter(Boolean)
    .join('\n')
}

function strategyWords({ status: { strategy, strategyReason } }: FeedView): string {
  return strategy === undefined ? '-' : `${strategy}: ${strategyReason}`
}

function accountRows({ status: { sessions = [] } }: FeedView): string[][] {
  return sessions.map(({ account, state, gate, front, tradingDay, acknowledged, rejected, restarts, errorId, message }) => [
    account,
    state,
    gate,
    front ?? '-',
    tradingDay ?? '-',
    String(acknowledged),
    String(rejected),
    String(restarts),
    [message ?? '', errorId === undefined ? '' : `(front error ${errorId})`].filter(Boolean).join(' '),
  ])
}

function rejectionRows({ status: { sessions = [] } }: FeedView): string[][] {
  return sessions.flatMap(({ account, rejections = [] }) =>
    rejections.map(({ instrument, reason }) => [account, instrument, reason]),
  )
}

function failoverSection({ status: { lastFailover } }: FeedView, now: number): string {
  if (lastFailover === undefined) return ''
  const { from, to, epoch, reason, at, totalMs } = lastFailover
  const phases = Object.entries(lastFailover.phases).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, ms] as const]))
  return section('Last failover', [
    ['Flip:', `${from} -> ${to}, epoch ${epoch}, ${ago(at, now)} ago (${at})`],
    ['Reason:', reason],
    ...phases.map(([name, ms]) => [`${name.replace(/Ms$/, '')}:`, `${Math.round(ms)} ms`]),
    ['Total:', `${Math.round(totalMs)} ms`],
  ])
}

/** How far behind those are who read the feed's stream, and how full it is. */
function consumerSection({ status: { consumers } }: FeedView, now: number): string {
  if (consumers === undefined) return ''
  const { readAt, message, stream, items, omitted } = consumers
  const rows = items.map(({ name, backlog, unacknowledged }) => [
    name === ephemeralConsumers ? '(without a name)' : name,
    count(backlog),
    count(unacknowledged),
  ])
  return [
    section('Stream', [
      ...(stream === undefined ? [] : [['Stream:', `${stream.name}, ${fullness(stream)}`]]),
      ...(readAt === undefined ? [] : [['Read:', `${ago(readAt, now)} ago`]]),
      ...(message === undefined ? [] : [['Note:', message]]),
      ...(omitted === 0 ? [] : [['Not listed:', `${omitted} consumers that are less far behind`]]),
    ]),
    table('Consumers', ['CONSUMER', 'BACKLOG', 'UNACKNOWLEDGED'], rows),
  ]
    .filter(Boolean)
    .join('\n')
}

function fullness({ bytes, limitBytes }: { bytes: number; limitBytes?: number | undefined }): string {
  const size = `${count(bytes)} bytes`
  return limitBytes === undefined
    ? `${size}, no limit`
    : `${size} of ${count(limitBytes)} (${Math.floor((100 * bytes) / limitBytes)}%)`
}

const count = (value: number): string => value.toLocaleString('en-US')

function conditionRows(view: ResourceView, now: number): string[][] {
  return (view.status.conditions ?? []).map(({ type, status, lastTransitionTime, reason, message }) => [
    type,
    status,
    ago(lastTransitionTime, now),
    reason,
    message,
  ])
}

function ago(iso: string, now: number): string {
  const at = Date.parse(iso)
  return Number.isNaN(at) ? iso : renderSpan(now - at)
}

function section(title: string, rows: string[][]): string {
  if (rows.length === 0) return ''
  const text = renderTable([], rows)
  return title === '' ? text : `${title}:\n${indented(text)}`
}

function table(title: string, header: string[], rows: string[][]): string {
  return rows.length === 0 ? '' : `${title}:\n${indented(renderTable(header, rows))}`
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
