import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { greetingServer } from './greeting.ts'

async function listen(greet: (socket: Socket) => void): Promise<{ url: string; open(): number }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    greet(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, open: () => sockets.size }
}

const frozen = () => listen(() => {})
const alive = () => listen(socket => socket.write('INFO {}\r\n'))
const never = new AbortController().signal

it('finds the server that answers among those that do not', async () => {
  const servers = [await frozen(), await alive(), await frozen()]
  expect(
    await greetingServer(
      servers.map(server => server.url),
      5000,
      never,
    ),
  ).toBe(servers[1]?.url)
})

it('leaves no connection behind to a server that is silent', async () => {
  const server = await frozen()
  await expect(greetingServer([server.url], 50, never)).rejects.toThrow(/127\.0\.0\.1:\d+: no answer/)
  await expect.poll(server.open).toBe(0)
})

it('says that a connection was refused, and by whom', async () => {
  await expect(greetingServer(['nats://127.0.0.1:1'], 5000, never)).rejects.toThrow('127.0.0.1:1: connection refused')
})

it('ends with its signal', async () => {
  const server = await frozen()
  await expect(greetingServer([server.url], 60_000, AbortSignal.abort())).rejects.toThrow('no answer')
})
