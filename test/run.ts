import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { missingServices } from './services/availability.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type LeftOut, leftOut, readSuite } from './suite.ts'

const root = resolve(import.meta.dirname, '..')

/**
 * Runs vitest once over the unit tests and every suite whose services are there. Ends with a line for each suite left out
 * and a line of counts. With FEEDPLANE_REQUIRE_SERVICES=1 a suite left out counts as failed. Arguments go to vitest.
 */
async function main(args: string[], requireServices: boolean): Promise<number> {
  const suites = globSync('test/**/*.test.ts', { cwd: root }).sort().map(readSuite)
  const omitted = leftOut(suites, await missingServices())
  const tally = await runVitest(args, omitted)
  for (const { path, why } of omitted) console.log(`${requireServices ? 'FAILED' : 'left out'} ${path}: ${why}`)
  const failed = tally.failed + (requireServices ? omitted.length : 0)
  console.log(`\n${tally.passed} passed, ${failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`)
  return failed === 0 ? 0 : 1
}

type Tally = { passed: number; failed: number; skipped: number }

async function runVitest(args: string[], omitted: LeftOut[]): Promise<Tally> {
  const dir = await temporaryDirectory('vitest')
  const report = join(dir.path, 'report.json')
  try {
    const child = spawn(process.execPath, vitestArguments(args, omitted, report), { cwd: root, stdio: 'inherit' })
    const forward = () => child.kill('SIGTERM')
    process.once('SIGTERM', forward)
    const [code] = await once(child, 'exit')
    process.off('SIGTERM', forward)
    return tallyOf(report, code === 0)
  } finally {
    await dir.remove()
  }
}

function vitestArguments(args: string[], omitted: LeftOut[], report: string): string[] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const excludes = omitted.map(({ path }) => `--exclude=${path}`)
  return [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...excludes, ...args]
}

// A file that cannot be loaded, or an error outside any test, fails the run without a failed test: that counts as one.
function tallyOf(report: string, succeeded: boolean): Tally {
  const counts = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as JsonReport) : noTests
  const failed = counts.numFailedTests
  return {
    passed: counts.numPassedTests,
    failed: succeeded ? failed : Math.max(failed, 1),
    skipped: counts.numPendingTests + counts.numTodoTests,
  }
}

type JsonReport = { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number }

const noTests: JsonReport = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }

process.exitCode = await main(process.argv.slice(2), process.env.FEEDPLANE_REQUIRE_SERVICES === '1')
