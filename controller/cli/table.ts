import { stripVTControlCharacters } from 'node:util'

/**
 * Left-aligned columns, two spaces apart, without trailing blanks; the last column is never padded, so that a long message
 * bends nothing. Newlines in cells become spaces. Ends with a newline; empty where there is nothing at all.
 */
export function renderTable(header: string[], rows: string[][]): string {
  const lines = [header, ...rows].filter(line => line.length > 0).map(line => line.map(cell => cell.replace(/\s*\n\s*/g, ' ')))
  const widths = header.length > 0 || rows.length > 0 ? columnWidths(lines) : []
  return lines
    .map(
      line =>
        `${line
          .map((cell, i) => pad(cell, widths[i] ?? 0, i === line.length - 1))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function columnWidths(lines: string[][]): number[] {
  const count = Math.max(...lines.map(line => line.length))
  return Array.from({ length: count }, (_, i) => Math.max(...lines.map(line => visibleWidth(line[i] ?? ''))))
}

function pad(cell: string, width: number, last: boolean): string {
  return last ? cell : cell + ' '.repeat(Math.max(0, width - visibleWidth(cell)))
}

function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length
}
