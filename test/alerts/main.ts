import { globSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Seen } from '../monitoring/alertcase.ts'
import { alerts } from '../monitoring/rules.ts'
import { missingServices } from '../services/availability.ts'
import { leftOut, readSuite } from '../suite.ts'
import { runVitest } from '../vitest.ts'
import { pageOf } from './page.ts'

const root = resolve(import.meta.dirname, '../..')
const file = join(root, 'docs/reference/alerts.md')

/** Brings alerts about on real services, and writes `docs/reference/alerts.md` where all came and went. */
async function main(args: string[]): Promise<number> {
  const suites = globSync('test/alerts/*.test.ts', { cwd: root }).map(readSuite)
  const omitted = leftOut(suites, await missingServices())
  for (const { path, why } of omitted) console.log(`FAILED ${path}: ${why}`)
  if (omitted.length > 0) return 1
  const { succeeded, testResults } = await runVitest(['alerts'], args, [])
  const seen = testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ meta }) => (meta.alerts as Seen[]) ?? []),
  )
  if (succeeded)
    writeFileSync(
      file,
      pageOf(
        seen,
        alerts.map(({ alert }) => alert),
        new Date().toISOString().slice(0, 10),
      ),
    )
  console.log(
    `\n${seen.length} alerts came and went${succeeded ? ': docs/reference/alerts.md' : '; some did not, nothing is written'}`,
  )
  return succeeded ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
