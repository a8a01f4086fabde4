import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { apart } from '../services/apart.ts'
import { missingServices } from '../services/availability.ts'
import { leftOut, readSuite } from '../suite.ts'
import { runVitest } from '../vitest.ts'
import { pageOf, type RowResult, readPage, resultsOf } from './page.ts'

const root = resolve(import.meta.dirname, '../..')
const file = join(root, 'docs/reference/faults.md')

/**
 * Runs the rows of the fault matrix on real services and brings `docs/reference/faults.md` up to date: a row that ran gets its new line,
 * one that did not keeps its old one. Arguments go to vitest, such as `-t '^5:'` for one row.
 */
async function main(args: string[], requireServices: boolean): Promise<number> {
  const suites = globSync('test/faults/**/*.test.ts', { cwd: root }).sort().map(readSuite)
  const omitted = leftOut(suites, await missingServices())
  const options = ['--passWithNoTests', ...args]
  const reports = [await runVitest(['faults'], options, omitted), await runVitest(['faults-apart'], options, omitted, apart)]
  for (const { path, why } of omitted) console.log(`${requireServices ? 'FAILED' : 'left out'} ${path}: ${why}`)
  const today = new Date().toISOString().slice(0, 10)
  const results = reports.flatMap(report => resultsOf(report, today))
  writeFileSync(file, pageOf(merged(results)))
  const held = results.filter(result => result.held).length
  console.log(`\n${held} rows held, ${results.length - held} did not: docs/reference/faults.md`)
  return reports.every(({ succeeded }) => succeeded) && !(requireServices && omitted.length > 0) ? 0 : 1
}

function merged(results: RowResult[]): RowResult[] {
  const earlier = existsSync(file) ? readPage(readFileSync(file, 'utf8')) : []
  const kept = earlier.filter(({ number }) => !results.some(result => result.number === number))
  return [...kept, ...results].sort((left, right) => left.number - right.number)
}

process.exitCode = await main(process.argv.slice(2), process.env.FEEDPLANE_REQUIRE_SERVICES === '1')
