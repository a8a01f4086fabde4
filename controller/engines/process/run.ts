import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { identify, isAlive, type ProcessIdentity, signalGroup } from './identity.ts'

export type Exit = { code: number; signal: NodeJS.Signals | undefined }

/** One life of a workload's process, started by this engine or found running. */
export type Run = {
  readonly identity: ProcessIdentity
  /** How it ended; `undefined` where it was no child of ours, so that nobody told. Never rejects. */
  readonly ended: Promise<Exit | undefined>
  /** Looks whether an adopted process is still there. A child tells by itself. */
  look(): void
}

export type Command = {
  entry: string
  args: string[]
  env: Record<string, string>
  directory: string
  log: string
  memoryBytes: number
}

/** Share of the memory limit that V8's old generation may take; the rest is for buffers, code and the sessions' native parts. */
const heapShare = 0.75
const systemPath = '/usr/local/bin:/usr/bin:/bin'
const cannotStart = 127

/**
 * Starts node on an entry point as the leader of a process group of its own, so that it outlives this process. Its environment is
 * what is given and a PATH: nothing is inherited. Returns `undefined` and an exit where the system refuses.
 */
export function startProcess(command: Command): Run | undefined {
  const output = openSync(command.log, 'a', 0o600)
  try {
    const child = spawn(process.execPath, argumentsOf(command), {
      cwd: command.directory,
      detached: true,
      env: { PATH: `${dirname(process.execPath)}:${systemPath}`, ...command.env },
      stdio: ['ignore', output, output],
    })
    return runOf(child)
  } finally {
    closeSync(output)
  }
}

/** Takes over a process that an earlier engine started. */
export function adoptProcess(identity: ProcessIdentity): Run {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  return { identity, ended: promise.then(() => endGroup(identity)), look: () => !isAlive(identity) && resolve(undefined) }
}

function runOf(child: ChildProcess): Run | undefined {
  child.once('error', () => undefined)
  const identity = child.pid === undefined ? undefined : identify(child.pid)
  if (child.pid === undefined) return undefined
  child.unref()
  const known = identity ?? { pid: child.pid, startTicks: 0, bootId: '' }
  const ended = new Promise<Exit>(resolve => {
    child.once('exit', (code, signal) => resolve(exitOf(code, signal)))
  })
  return { identity: known, ended: ended.then(exit => endGroup(known, exit)), look: () => undefined }
}

function argumentsOf({ entry, args, memoryBytes }: Command): string[] {
  return [`--max-old-space-size=${Math.max(16, Math.floor((memoryBytes / 1024 / 1024) * heapShare))}`, entry, ...args]
}

// As in a container: when the first process ends, so does the rest.
function endGroup<T>(identity: ProcessIdentity, exit: T): T
function endGroup(identity: ProcessIdentity): undefined
function endGroup(identity: ProcessIdentity, exit?: unknown): unknown {
  signalGroup(identity, 'SIGKILL')
  return exit
}

// 128 + n for a signal, as shells and Docker have it.
function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (signal === null) return { code: code ?? cannotStart, signal: undefined }
  return { code: 128 + constants.signals[signal], signal }
}
