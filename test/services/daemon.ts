import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './deadline.ts'

const stopDeadlineMs = 10_000
const logTailLines = 20

/** A real server run as a child of the test. */
export type Daemon = {
  readonly pid: number
  /** File that holds what it printed. */
  readonly log: string
  /** SIGTERM, and SIGKILL where that has not ended it within 10 s; returns when it is gone. */
  stop(): Promise<void>
  /** SIGKILL; returns when it is gone. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void
  /** SIGCONT after `freeze`. */
  thaw(): void
}

export type DaemonOptions = {
  command: string
  args: string[]
  /** Where its log goes, and its working directory. */
  dir: string
  env?: Record<string, string>
  /** True once it serves. May throw until then. */
  ready: () => Promise<boolean>
  deadlineMs?: number
}

/** Starts a server and returns once it is ready. Throws with the end of its log where it exits before, or is late. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const log = join(options.dir, `${options.command.split('/').at(-1)}.log`)
  const child = spawnLogged(options, log)
  const daemon = lifeOf(child, log)
  try {
    await until(`${options.command} to be ready`, () => readyOrGone(child, options), options.deadlineMs)
  } catch (error) {
    await daemon.kill()
    throw new Error(`${options.command} did not start:\n${tailOf(log)}`, { cause: error })
  }
  if (hasEnded(child)) throw new Error(`${options.command} ended before it was ready:\n${tailOf(log)}`)
  return daemon
}

function spawnLogged({ command, args, dir, env }: DaemonOptions, log: string): ChildProcess {
  const output = openSync(log, 'a', 0o600)
  const child = spawn(command, args, { cwd: dir, env: { ...process.env, ...env }, stdio: ['ignore', output, output] })
  child.once('spawn', () => closeSync(output))
  child.once('error', () => closeSync(output))
  const killWithParent = () => child.kill('SIGKILL')
  process.once('exit', killWithParent)
  child.once('exit', () => process.off('exit', killWithParent))
  return child
}

function lifeOf(child: ChildProcess, log: string): Daemon {
  const end = async (signal: NodeJS.Signals) => {
    if (hasEnded(child)) return
    const exit = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs)
    await exit
    clearTimeout(timer)
  }
  return {
    pid: child.pid ?? 0,
    log,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  }
}

const readyOrGone = async (child: ChildProcess, options: DaemonOptions): Promise<boolean> =>
  hasEnded(child) || (await options.ready())

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined

const tailOf = (log: string): string => readFileSync(log, 'utf8').trimEnd().split('\n').slice(-logTailLines).join('\n')
