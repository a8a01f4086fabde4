import type { Beside, Budget, Judged } from './figure.ts'

const headings = ['figure', 'value', 'p99', 'n', 'beside (same run)', 'its value', 'ratio', 'budget', 'holds']

/** Rows of text: one for each figure, and one for each further thing that it stands beside. */
function rowsOf(figures: Judged[]): string[][] {
  return figures.flatMap(figure => {
    const { name, unit, value, p99, n, beside = [], budget, holds } = figure
    const [first, ...others] = beside
    const amount = (number: number | undefined) =>
      number === undefined ? '' : `${short(number)} ${unit === 'count' ? '' : unit}`.trim()
    const verdict = holds === undefined ? '' : holds ? 'yes' : 'NO'
    const cells = (each: Beside | undefined) => [
      each ? `${each.kind}: ${each.name}` : '',
      amount(each?.value),
      ratio(value, each),
    ]
    return [
      [name, amount(value), amount(p99), String(n), ...cells(first), wordsOf(budget, unit), verdict],
      ...others.map(each => ['', '', '', '', ...cells(each), '', '']),
    ]
  })
}

/** The table for people, in columns. */
export function textTable(figures: Judged[]): string {
  const rows = [headings, ...rowsOf(figures)]
  const widths = headings.map((_heading, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

/** The same for a page. */
export function markdownTable(figures: Judged[]): string {
  const line = (row: string[]) => `| ${row.join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rowsOf(figures).map(line)].join('\n')
}

function ratio(value: number, beside: Beside | undefined): string {
  return beside === undefined || beside.value === 0 ? '' : `${short(value / beside.value)} x`
}

function wordsOf(budget: Budget | undefined, unit: string): string {
  if (budget === undefined) return ''
  const bound = 'atMost' in budget ? `at most ${budget.atMost}` : `at least ${budget.atLeast}`
  const of = budget.of === 'p99' ? 'p99 ' : ''
  return budget.of === 'ratio' ? `${bound} x` : `${of}${bound} ${unit === 'count' ? '' : unit}`.trim()
}

/** Three digits that mean something. */
function short(number: number): string {
  if (!Number.isFinite(number)) return '-'
  if (number === 0 || Math.abs(number) >= 100) return String(Math.round(number))
  return String(Number(number.toPrecision(3)))
}
