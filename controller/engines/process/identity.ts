import { readdirSync, readFileSync } from 'node:fs'

/**
 * Which process, across restarts of ours and reboots of the machine: a pid alone is given to another process sooner or later.
 * `startTicks` is field 22 of /proc/<pid>/stat (proc(5)): clock ticks since boot at which it started.
 */
export type ProcessIdentity = { pid: number; startTicks: number; bootId: string }

/** Identity of what has this pid now; `undefined` where nothing has, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid)
  if (stat === undefined || stat.dead) return undefined
  return { pid, startTicks: stat.startTicks, bootId: bootId() }
}

export function isAlive(identity: ProcessIdentity): boolean {
  const found = identify(identity.pid)
  return found !== undefined && found.startTicks === identity.startTicks && found.bootId === identity.bootId
}

/**
 * Signals the whole group that the process leads. Does nothing where the process has ended, unless others of its group are left:
 * a group's number cannot belong to another group as long as it has members.
 */
export function signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  const holder = readStat(identity.pid)
  if (holder !== undefined && holder.startTicks !== identity.startTicks) return
  try {
    process.kill(-identity.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Leaders of process groups whose environment holds `NAME=VALUE`, by value: finds what was started and not yet recorded. */
export function leadersByVariable(name: string): Map<string, ProcessIdentity> {
  const found = new Map<string, ProcessIdentity>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    const value = Number.isInteger(pid) ? environmentOf(pid, name) : undefined
    if (value === undefined || readStat(pid)?.group !== pid) continue
    const identity = identify(pid)
    if (identity !== undefined) found.set(value, identity)
  }
  return found
}

function environmentOf(pid: number, name: string): string | undefined {
  const text = readProc(`/proc/${pid}/environ`)
  return text
    ?.split('\0')
    .find(line => line.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

type Stat = { dead: boolean; group: number; startTicks: number }

// The second field is the command in parentheses and may itself hold spaces and parentheses.
function readStat(pid: number): Stat | undefined {
  const text = readProc(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined) return undefined
  return { dead: fields[0] === 'Z' || fields[0] === 'X', group: Number(fields[2]), startTicks: Number(fields[19]) }
}

const bootId = (): string => readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? ''

// Gone (ENOENT, ESRCH) and not ours to read (EACCES) are the same here: nothing that we started.
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
