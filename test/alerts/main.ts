import { globSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Seen } from '../monitoring/alertcase.ts'
import type { Shown } from '../monitoring/panels.ts'
import { alerts } from '../monitoring/rules.ts'
import { missingServices } from '../services/availability.ts'
import { leftOut, readSuite } from '../suite.ts'
import { runVitest } from '../vitest.ts'
import { pageOf, panelsPage } from './page.ts'

const root = resolve(import.meta.dirname, '../..')
const reference = join(root, 'docs/reference')

/** Brings alerts about on real services, and writes `docs/reference/alerts.md` and `panels.md` where all came and went. Arguments go to vitest. */
async function main(args: string[]): Promise<number> {
  const suites = globSync('test/alerts/*.test.ts', { cwd: root }).map(readSuite)
  const omitted = leftOut(suites, await missingServices())
  for (const { path, why } of omitted) console.log(`FAILED ${path}: ${why}`)
  if (omitted.length > 0) return 1
  const { succeeded, testResults } = await runVitest(['alerts'], args, [])
  const metas = testResults.flatMap(({ assertionResults }) => assertionResults.map(({ meta }) => meta))
  const seen = metas.flatMap(({ alerts: its }) => (its as Seen[]) ?? [])
  const panels = metas.flatMap(({ panels: its }) => (its as Shown[]) ?? [])
  const today = new Date().toISOString().slice(0, 10)
  const names = alerts.map(({ alert }) => alert)
  if (succeeded && seen.length > 0) writeFileSync(join(reference, 'alerts.md'), pageOf(seen, names, today))
  if (succeeded && panels.length > 0) writeFileSync(join(reference, 'panels.md'), panelsPage(panels, today))
  const outcome = succeeded ? 'written down in docs/reference' : 'some did not, nothing is written'
  console.log(`\n${seen.length} alerts came and went, ${panels.length} panels showed data: ${outcome}`)
  return succeeded ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
