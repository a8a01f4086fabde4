import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory of a test's own below the system's temporary one. Gone after `remove`, or with the process where that is missed. */
export async function temporaryDirectory(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `feedplane-${name}-`))
  const removeLate = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', removeLate)
  const remove = async () => {
    process.off('exit', removeLate)
    await rm(path, { recursive: true, force: true })
  }
  return { path, remove }
}
