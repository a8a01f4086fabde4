import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { stalled } from '../../../crds/contract/fault.ts'

/**
 * Holds a directory for this process alone. A socket in Linux' abstract namespace (unix(7)) is the lock: the kernel gives it
 * back when the process ends in any way, so there is no stale lock. Throws stalled `EngineInUse` where another process holds it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32)
  const server = createServer(socket => socket.destroy())
  await listen(server, `\0feedplane-process-engine-${name}`, directory)
  server.unref()
  return () => new Promise(resolve => server.close(() => resolve()))
}

function listen(server: Server, path: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      reject(stalled('EngineInUse', `another controller runs its feeds in ${directory}: stop it or use another folder`, error))
    })
    server.listen(path, () => resolve())
  })
}
