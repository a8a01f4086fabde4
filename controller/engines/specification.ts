import { posix } from 'node:path'
import { feedDirectory } from '../../crds/contract/desired.ts'
import { stalled } from '../../crds/contract/fault.ts'
import { labels, type WorkloadFile, type WorkloadSpec } from './engine.ts'

/** What Docker accepts as a container name, which is narrower than what a file name may be. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/
const variablePattern = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Docker's own minimum, and enough to be refused by no engine. */
const minMemoryBytes = 6 * 1024 * 1024

/** Throws stalled `InvalidSpec` for what no engine could or should run. */
export function checkSpec(spec: WorkloadSpec): void {
  checkName(spec.name)
  if (!spec.labels[labels.owner]) invalid(`workload ${spec.name} has no owner label`)
  if (spec.memoryBytes < minMemoryBytes) invalid(`memory of ${spec.name} is below ${minMemoryBytes} bytes`)
  if (!Number.isInteger(spec.pidsLimit) || spec.pidsLimit < 1) invalid(`pids limit of ${spec.name} is not a positive integer`)
  if (!Number.isInteger(spec.port) || spec.port < 1 || spec.port > 65_535) invalid(`port of ${spec.name} is not in 1 to 65535`)
  if (spec.logMaxBytes < 1 || spec.logMaxFiles < 1) invalid(`log bounds of ${spec.name} are not positive`)
  for (const [name, value] of Object.entries(spec.env)) checkVariable(name, value)
  checkFiles(spec.files)
}

/** Throws stalled `InvalidSpec` for a name that an engine could take for an option, a path or another URL. */
export function checkName(name: string): void {
  if (!isName(name))
    invalid(`"${name}" is no workload name: letters, digits, "_", "." and "-", at most 128, a letter or digit first`)
}

export const isName = (name: string): boolean => namePattern.test(name)

/** Throws stalled `InvalidSpec` for a path that leaves the workload's directory or would replace the feed's own state. */
export function checkFiles(files: WorkloadFile[]): void {
  for (const { path } of files) {
    const inside = path !== '' && !path.includes('\0') && !posix.isAbsolute(path) && posix.normalize(path) === path
    if (!inside || path.split('/').includes('..') || path.endsWith('/')) invalid(`file path "${path}" is not plainly relative`)
    if (path === feedDirectory.state || path.startsWith(`${feedDirectory.state}/`)) invalid(`${path} is the feed's own to write`)
  }
}

/** Directories that the files stand in, parents first. */
export function directoriesOf(files: WorkloadFile[]): string[] {
  const found = new Set<string>()
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1)
    parts.forEach((_part, index) => void found.add(parts.slice(0, index + 1).join('/')))
  }
  return [...found].sort()
}

function checkVariable(name: string, value: string): void {
  if (!variablePattern.test(name)) invalid(`"${name}" is no name of an environment variable`)
  if (value.includes('\0')) invalid(`environment variable ${name} holds a NUL`)
}

function invalid(message: string): never {
  throw stalled('InvalidSpec', message)
}
