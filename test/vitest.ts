import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryDirectory } from './services/directory.ts'
import type { LeftOut } from './suite.ts'

const root = resolve(import.meta.dirname, '..')

/** What vitest's JSON reporter writes, of it what is read here. */
export type Report = {
  /** False too where a file could not be loaded, or an error came outside any test. */
  succeeded: boolean
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { assertionResults: Assertion[] }[]
}

export type Assertion = {
  status: string
  /** ms. */
  duration?: number | null
  failureMessages: string[]
  meta: Record<string, unknown>
}

/**
 * Runs vitest once over some of its projects, without the suites that cannot run here. Ends it when this process is told to end.
 * `launcher` is a command that runs the one after it.
 */
export async function runVitest(
  projects: string[],
  args: string[],
  omitted: LeftOut[],
  launcher: string[] = [],
): Promise<Report> {
  const dir = await temporaryDirectory('vitest')
  const file = join(dir.path, 'report.json')
  try {
    const [command = '', ...rest] = [...launcher, process.execPath, ...vitestArguments(projects, args, omitted, file)]
    // The suites start hundreds of processes from the same files.
    const env = { NODE_COMPILE_CACHE: join(dir.path, 'compile-cache'), ...process.env }
    const child = spawn(command, rest, { cwd: root, stdio: 'inherit', env })
    const forward = () => child.kill('SIGTERM')
    process.once('SIGTERM', forward)
    const [code] = await once(child, 'exit')
    process.off('SIGTERM', forward)
    const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Omit<Report, 'succeeded'>) : noTests
    return { ...report, succeeded: code === 0 }
  } finally {
    await dir.remove()
  }
}

function vitestArguments(projects: string[], args: string[], omitted: LeftOut[], report: string): string[] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const selected = projects.map(project => `--project=${project}`)
  const excludes = omitted.map(({ path }) => `--exclude=${path}`)
  return [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...selected, ...excludes, ...args]
}

const noTests: Omit<Report, 'succeeded'> = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
}
