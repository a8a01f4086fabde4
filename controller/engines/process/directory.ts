import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { feedDirectory } from '../../../crds/contract/desired.ts'
import type { WorkloadFile } from '../engine.ts'
import { directoriesOf } from '../specification.ts'
import { replaceFile } from './record.ts'

const directoryMode = 0o700
const fileMode = 0o400
const portFile = 'port'

/** Makes a workload's directory with its files and an empty `state/`. */
export async function makeDirectory(directory: string, files: WorkloadFile[]): Promise<void> {
  await mkdir(directory, { mode: directoryMode })
  await mkdir(join(directory, feedDirectory.state), { mode: directoryMode })
  await writeFiles(directory, files)
}

/** Each file is replaced whole and readable by its owner only; the files are not one transaction. */
export async function writeFiles(directory: string, files: WorkloadFile[]): Promise<void> {
  for (const path of directoriesOf(files)) await mkdir(join(directory, path), { recursive: true, mode: directoryMode })
  for (const { path, content } of files) await replaceFile(join(directory, path), content, fileMode)
}

/** Port that the process wrote to `state/port` once it listened. */
export async function readPort(directory: string): Promise<number | undefined> {
  try {
    const port = Number((await readFile(join(directory, feedDirectory.state, portFile), 'utf8')).trim())
    return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined
  } catch {
    return undefined
  }
}

/** Before a start: the port of the process before is nobody's, or somebody else's, now. */
export async function forgetPort(directory: string): Promise<void> {
  await rm(join(directory, feedDirectory.state, portFile), { force: true })
}
