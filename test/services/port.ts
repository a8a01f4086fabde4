import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that the kernel hands out by itself (32768 and above on Linux): a port from there is another process's as soon as
 * that one listens on port 0, and a suite that starts fifty feeds meets that.
 */
const lowest = 15_000
const highest = 32_767

/** Ports on 127.0.0.1 that were free a moment ago, all different. For servers that cannot choose and report one themselves. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(lowest, highest + 1)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  await once(server.close(), 'close')
  return true
}
