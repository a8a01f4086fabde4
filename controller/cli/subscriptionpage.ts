import type { Subscription, SubscriptionCounts, SubscriptionsView } from '../../crds/contract/subscriptions.ts'
import { marketClock } from './duration.ts'
import { renderTable } from './table.ts'
import { paint, type Terminal } from './terminal.ts'

export type AccountPage = SubscriptionsView['accounts'][number]

export type SubscriptionPage = { view: SubscriptionsView; threshold: number; judged: AccountPage }

/** Instruments that are acknowledged and were pushed, over those that are declared. */
export function coverageOf({ pushed, desired }: SubscriptionCounts): number {
  return desired === 0 ? 0 : pushed / desired
}

/** The page as text, as one JSON document, or as CSV (RFC 4180) with a line for each instrument and account. */
export function renderSubscriptions(page: SubscriptionPage, format: 'table' | 'json' | 'csv', terminal: Terminal): string {
  if (format === 'json') return `${JSON.stringify(documentOf(page))}\n`
  return format === 'csv' ? csvOf(page.view) : textOf(page, terminal)
}

function documentOf({ view, threshold, judged }: SubscriptionPage): object {
  const coverage = coverageOf(judged.counts)
  const accounts = view.accounts.map(account => ({ ...account, coverage: coverageOf(account.counts) }))
  return { ...view, threshold, account: judged.account, coverage, ok: coverage >= threshold, accounts }
}

const counted = ['desired', 'acknowledged', 'pushed', 'ticking', 'silent', 'rejected', 'quarantined', 'pending'] as const

function textOf({ view, threshold, judged }: SubscriptionPage, terminal: Terminal): string {
  const header = ['ACCOUNT', 'STATE', ...counted.map(name => name.toUpperCase()), 'COVERAGE']
  const rows = view.accounts.map(({ account, state, counts }) => [
    account === view.active ? `${account}*` : account,
    state,
    ...counted.map(name => String(counts[name])),
    percent(coverageOf(counts)),
  ])
  const coverage = coverageOf(judged.counts)
  const words = `${view.feed}: ${judged.account} has ${percent(coverage)} of ${percent(threshold)}`
  const verdict =
    coverage >= threshold ? paint(`✓ ${words}`, 'good', terminal.outColour) : paint(`✗ ${words}`, 'bad', terminal.outColour)
  return `${renderTable(header, rows)}${itemsOf(view)}${verdict}\n`
}

function itemsOf({ accounts }: SubscriptionsView): string {
  const rows = accounts.flatMap(({ account, items }) => items.map(item => rowOf(account, item)))
  if (rows.length === 0) return ''
  const more = accounts.some(({ next }) => next !== undefined) ? 'there are more: --limit, or -o csv for all\n' : ''
  return `\n${renderTable(['INSTRUMENT', 'ACCOUNT', 'STATE', 'DELIVERY', 'LAST TICK', 'REASON'], rows)}${more}\n`
}

function rowOf(
  account: string,
  { instrument, exchange, state, delivery = '-', lastTickAt, reason = '' }: Subscription,
): string[] {
  return [`${exchange}.${instrument}`, account, state, delivery, lastTickAt === undefined ? '-' : marketClock(lastTickAt), reason]
}

const columns = [
  'instrument',
  'exchange',
  'account',
  'state',
  'reason',
  'errorId',
  'acknowledgedAt',
  'lastTickAt',
  'delivery',
] as const

function csvOf({ accounts }: SubscriptionsView): string {
  const lines = accounts.flatMap(({ account, items }) =>
    items.map(item => {
      const cells: Record<string, unknown> = { ...item, account }
      return columns.map(name => cellOf(name.endsWith('At') ? isoOf(cells[name]) : cells[name])).join(',')
    }),
  )
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}

const isoOf = (at: unknown): string => (typeof at === 'number' ? new Date(at).toISOString() : '')

/** A cell of CSV (RFC 4180). */
export function cellOf(value: unknown): string {
  const text = value === undefined ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Rounded down: 99.49 % does not look like 99.5 %, and 100% means all. */
export const percent = (ratio: number): string => `${Math.floor(ratio * 1000) / 10}%`
