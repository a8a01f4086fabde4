import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import * as z from 'zod'
import { type FaultOrder, faultsSchema } from './faultorder.ts'

const maxBodyBytes = 64 * 1024

export type ControlTarget = {
  state(): object
  /** Returns what is wrong with an order that cannot be carried out. */
  faults(order: FaultOrder): string | undefined
}

/** The simulator's control API, on loopback only: `GET /state`, `GET /healthz`, and `POST /faults` with the orders of `faultorder.ts`. */
export async function listenControl(port: number, target: ControlTarget): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request, target).then(
      ({ status, body }) => send(response, status, body),
      error => send(response, 500, { error: String(error) }),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : port, close: () => close(server) }
}

type Answer = { status: number; body: object }

async function answer(request: IncomingMessage, target: ControlTarget): Promise<Answer> {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /healthz') return { status: 200, body: { status: 'ok' } }
  if (route === 'GET /state') return { status: 200, body: target.state() }
  if (route !== 'POST /faults') return { status: 404, body: { error: `no ${route}: there are GET /state and POST /faults` } }
  const text = await readBody(request)
  if (text === undefined) return { status: 413, body: { error: `a body is at most ${maxBodyBytes} bytes` } }
  const { data, error } = faultsSchema.safeParse(json(text))
  if (data === undefined) return { status: 400, body: { error: z.prettifyError(error) } }
  const wrong = target.faults(data)
  return wrong === undefined ? { status: 200, body: target.state() } : { status: 400, body: { error: wrong } }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
