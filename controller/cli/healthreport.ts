import type { Subscription } from '../../crds/contract/subscriptions.ts'
import { type Assessment, type Finding, type Level, worst } from './assessment.ts'
import { renderSpan } from './duration.ts'
import { cellOf, percent } from './subscriptionpage.ts'
import { renderTable } from './table.ts'
import { paint, type Terminal, type Tone } from './terminal.ts'

export const healthModes = ['dry-run', 'enforce', 'audit'] as const
export type HealthMode = (typeof healthModes)[number]

/** A try to put a feed right: what was asked for, or why it could not be. */
export type Attempt = { at: number; token: string } | { at: number; refused: string }

/** One feed in a report. `escalation` is what is left to an operator; `instruments` are named by an audit. */
export type FeedHealth = Assessment & {
  attempts: Attempt[]
  escalation?: string
  instruments?: (Subscription & { account: string })[]
}

export type HealthReport = { at: number; mode: HealthMode; level: Level; feeds: FeedHealth[] }

export function healthReport(at: number, mode: HealthMode, feeds: FeedHealth[]): HealthReport {
  return { at, mode, level: worst(feeds.map(({ level }) => level)), feeds }
}

/** The report as text, as one JSON document, or as CSV (RFC 4180) with a line for each feed. */
export function renderHealth(report: HealthReport, format: 'text' | 'json' | 'csv', terminal: Terminal): string {
  if (format === 'json') return `${JSON.stringify(report)}\n`
  return format === 'csv' ? csvOf(report) : textOf(report, terminal.outColour)
}

const header = ['HEALTH', 'FEED', 'SESSION', 'COVERAGE', 'MISSING', 'STALLED', 'REJECTED', 'LAG', 'MESSAGE']

const marks: Record<Level, { glyph: string; tone: Tone }> = {
  ok: { glyph: '✓', tone: 'good' },
  warning: { glyph: '!', tone: 'warn' },
  error: { glyph: '✗', tone: 'bad' },
}

function textOf({ level, mode, feeds }: HealthReport, colour: boolean): string {
  const counts = (['error', 'warning', 'ok'] as const).flatMap(one => {
    const count = feeds.filter(feed => feed.level === one).length
    return count > 0 ? [`${count} ${one}`] : []
  })
  const sum = `${marks[level].glyph} ${feeds.length} ${feeds.length === 1 ? 'feed' : 'feeds'}: ${counts.join(', ')}`
  const table = renderTable(
    header,
    feeds.map(feed => rowOf(feed, colour)),
  )
  return `${table}${feeds.map(feed => notesOf(feed, mode)).join('')}${paint(sum, marks[level].tone, colour)}\n`
}

function rowOf(feed: FeedHealth, colour: boolean): string[] {
  const { level, coverage, missing, stalled, rejected, lagSeconds, findings } = feed
  const { glyph, tone } = marks[level]
  return [
    paint(`${glyph} ${level}`, tone, colour),
    feed.feed,
    feed.session,
    coverage === undefined ? '-' : percent(coverage),
    ...[missing, stalled, rejected].map(count => String(count ?? '-')),
    lagSeconds === undefined ? '-' : renderSpan(lagSeconds * 1000),
    findings.map(sentenceOf).join('; '),
  ]
}

const sentenceOf = ({ message, todo }: Finding): string => `${message} -> ${todo}`

/** What was done, what would be, and what is left to do, a line each. */
function notesOf({ feed, remedy, attempts, escalation, instruments = [] }: FeedHealth, mode: HealthMode): string {
  const lines = attempts.map(attempt => ('refused' in attempt ? `could not ask: ${attempt.refused}` : `asked: ${attempt.token}`))
  if (mode === 'dry-run' && remedy)
    lines.push(`--mode enforce would ${remedy.states.length > 0 ? `ask again for ${remedy.states.join(', ')}` : 'wait for it'}`)
  for (const { exchange, instrument, account, state, reason } of instruments)
    lines.push(`${exchange}.${instrument} ${account} ${state}${reason === undefined ? '' : ` ${reason}`}`)
  if (escalation !== undefined) lines.push(`escalate: ${escalation}`)
  return lines.map(line => `  ${feed}: ${line}\n`).join('')
}

const columns = [
  ...['feed', 'level', 'state', 'session', 'account', 'coverage', 'desired', 'acknowledged', 'missing', 'stalled', 'rejected'],
  ...['lagSeconds', 'failoverRequired', 'attempts', 'findings', 'escalation'],
]

function csvOf({ feeds }: HealthReport): string {
  const lines = feeds.map(feed => {
    const findings = feed.findings.map(({ message }) => message).join('; ')
    const cells: Record<string, unknown> = { ...feed, attempts: feed.attempts.length, findings }
    return columns.map(name => cellOf(cells[name])).join(',')
  })
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}
