import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A file system of this size at `path`, in memory. Needs root. `stop` takes it away, whatever is still open there. */
export async function startDisk(path: string, megabytes: number): Promise<{ stop(): Promise<void> }> {
  await mkdir(path, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
  return { stop: async () => void (await run('umount', ['--lazy', path])) }
}
