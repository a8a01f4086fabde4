import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Ports on 127.0.0.1 that were free a moment ago, all different. For servers that cannot choose and report one themselves. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
