import { type CheckLevel, type CheckResult, isGo } from './checklist.ts'
import type { PushedMetric } from './pushgateway.ts'
import { renderTable } from './table.ts'
import { paint, type Terminal, type Tone } from './terminal.ts'

/** The checklist of one feed, `namespace/name`. */
export type FeedPreflight = { feed: string; go: boolean; checks: CheckResult[] }

export type PreflightReport = { at: number; go: boolean; feeds: FeedPreflight[] }

export function preflightReport(at: number, feeds: { feed: string; checks: CheckResult[] }[], strict: boolean): PreflightReport {
  const judged = feeds.map(({ feed, checks }) => ({ feed, go: isGo(checks, strict), checks }))
  return { at, go: judged.every(({ go }) => go), feeds: judged }
}

const marks: Record<CheckLevel, { glyph: string; tone: Tone }> = {
  ok: { glyph: '✓', tone: 'good' },
  warning: { glyph: '!', tone: 'warn' },
  'no-go': { glyph: '✗', tone: 'bad' },
}

/** The report as text, a line for each check of each feed, or as one JSON document. */
export function renderPreflight(report: PreflightReport, format: 'text' | 'json', { outColour }: Terminal): string {
  if (format === 'json') return `${JSON.stringify(report)}\n`
  const rows = report.feeds.flatMap(({ feed, checks }) =>
    checks.map(({ check, level, evidence, todo }) => {
      const { glyph, tone } = marks[level]
      return [paint(`${glyph} ${level}`, tone, outColour), feed, check, todo === undefined ? evidence : `${evidence} -> ${todo}`]
    }),
  )
  return `${renderTable(['STATE', 'FEED', 'CHECK', 'EVIDENCE'], rows)}${verdictLine(report, outColour)}\n`
}

function verdictLine({ go, feeds }: PreflightReport, colour: boolean): string {
  const bad = feeds.filter(one => !one.go).map(({ feed }) => feed)
  return go ? paint('✓ go', 'good', colour) : paint(`✗ no go: ${bad.join(', ')}`, 'bad', colour)
}

/** What a pre-flight says of feeds. `feed` is the name and stands beside `namespace`, as in the controller's metrics. */
export function preflightMetrics({ at, feeds }: PreflightReport): PushedMetric[] {
  const labelsOf = (key: string) => {
    const [namespace = '', feed = ''] = key.split('/')
    return { namespace, feed }
  }
  return [
    {
      ...{ name: 'feedplane_preflight_go', type: 'gauge', help: '1 where the last pre-flight of the feed was go.' },
      samples: feeds.map(({ feed, go }) => ({ labels: labelsOf(feed), value: Number(go) })),
    },
    {
      ...{
        name: 'feedplane_preflight_check',
        type: 'gauge',
        help: 'Each check of the last pre-flight: 1 ok, 0.5 warning, 0 no go.',
      },
      samples: feeds.flatMap(({ feed, checks }) =>
        checks.map(({ check, level }) => ({ labels: { ...labelsOf(feed), check }, value: values[level] })),
      ),
    },
    {
      ...{ name: 'feedplane_preflight_last_run_timestamp_seconds', type: 'gauge', help: 'When the last pre-flight was made.' },
      samples: [{ labels: {}, value: at / 1000 }],
    },
  ]
}

const values: Record<CheckLevel, number> = { ok: 1, warning: 0.5, 'no-go': 0 }
