import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory of a test's own below the system's temporary one, and the function that removes it. */
export async function temporaryDirectory(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `feedplane-${name}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
