import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** An alert within a message of the Alertmanager. */
export type Notice = {
  /** Route that it came by. */
  receiver: string
  status: 'firing' | 'resolved'
  labels: Record<string, string>
  annotations: Record<string, string>
}

type Message = { receiver: string; alerts: Omit<Notice, 'receiver'>[] }

export type Webhook = {
  readonly url: string
  /** All that came, in order. */
  readonly notices: Notice[]
  /** Refuses whatever comes, as a chat does whose webhook was revoked; or takes it again. */
  refuse(isRefused: boolean): void
  stop(): Promise<void>
}

/** Stands where an operator's chat or pager does. */
export async function startWebhook(): Promise<Webhook> {
  const notices: Notice[] = []
  let isRefused = false
  const take = async (request: IncomingMessage) => {
    const { receiver, alerts } = (await json(request)) as Message
    notices.push(...alerts.map(alert => ({ receiver, ...alert })))
  }
  const server = createServer((request, response) => {
    if (isRefused) return response.writeHead(403).end()
    take(request).then(
      () => response.end(),
      () => response.writeHead(400).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    notices,
    refuse: refused => {
      isRefused = refused
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
