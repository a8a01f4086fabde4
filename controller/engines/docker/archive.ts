import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { feedDirectory } from '../../../crds/contract/desired.ts'
import type { WorkloadFile } from '../engine.ts'
import { directoriesOf } from '../specification.ts'

/** User and group that every feed container runs as. */
export const feedUser = 10_001

const fileMode = 0o400
const directoryMode = 0o700

/** The files, their directories and an empty `state/` as a tar archive. */
export const archiveOf = (files: WorkloadFile[]): Promise<Buffer> => tar(files, [feedDirectory.state, ...directoriesOf(files)])

/** The files alone, for a workload that has its directories. */
export const replacementOf = (files: WorkloadFile[]): Promise<Buffer> => tar(files, directoriesOf(files))

function tar(files: WorkloadFile[], directories: string[]): Promise<Buffer> {
  const archive = pack()
  const owner = { uid: feedUser, gid: feedUser }
  for (const name of directories) archive.entry({ name: `${name}/`, type: 'directory', mode: directoryMode, ...owner })
  for (const { path, content } of files) archive.entry({ name: path, mode: fileMode, ...owner }, content)
  archive.finalize()
  return buffer(archive)
}
