import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { isLong } from './long.ts'
import { missingServices } from './services/availability.ts'
import { leftOut, readSuite } from './suite.ts'
import { type Report, runVitest } from './vitest.ts'

const root = resolve(import.meta.dirname, '..')

const excluded = ['test/faults/**', 'test/alerts/**', ...(isLong ? [] : ['test/long/**'])]

/**
 * Runs vitest once over the unit tests and every suite whose services are there, but for `test/faults`, `test/alerts` and
 * `test/long`, which have commands of their own.
 * Ends with a line for each suite left out and a line of counts. With FEEDPLANE_REQUIRE_SERVICES=1 a suite left out counts as failed.
 * Arguments go to vitest.
 */
async function main(args: string[], requireServices: boolean): Promise<number> {
  const suites = globSync('test/**/*.test.ts', { cwd: root, exclude: excluded })
  const omitted = leftOut(suites.sort().map(readSuite), await missingServices())
  const tally = tallyOf(await runVitest(['unit', 'services', 'services-alone'], args, omitted))
  for (const { path, why } of omitted) console.log(`${requireServices ? 'FAILED' : 'left out'} ${path}: ${why}`)
  const failed = tally.failed + (requireServices ? omitted.length : 0)
  console.log(`\n${tally.passed} passed, ${failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`)
  return failed === 0 ? 0 : 1
}

type Tally = { passed: number; failed: number; skipped: number }

// A file that cannot be loaded, or an error outside any test, fails the run without a failed test: that counts as one.
function tallyOf({ succeeded, numPassedTests, numFailedTests, numPendingTests, numTodoTests }: Report): Tally {
  return {
    passed: numPassedTests,
    failed: succeeded ? numFailedTests : Math.max(numFailedTests, 1),
    skipped: numPendingTests + numTodoTests,
  }
}

process.exitCode = await main(process.argv.slice(2), process.env.FEEDPLANE_REQUIRE_SERVICES === '1')
