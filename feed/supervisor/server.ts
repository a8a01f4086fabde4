import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { Problem, sendProblem } from './problem.ts'
import { authorize } from './token.ts'

/** A desired state of 20,000 instruments has under 1 MB. */
const maxBodyBytes = 8 * 1024 * 1024
const maxConnections = 256

export type Call = { request: IncomingMessage; response: ServerResponse; query: URLSearchParams; body: () => Promise<unknown> }

export type Route = {
  method: 'GET' | 'PUT' | 'POST'
  path: string
  isPublic?: true
  handle: (call: Call) => void | Promise<void>
}

/** An HTTP server with these routes. Every error is answered as `application/problem+json`. */
export function serve(routes: Route[], token: string, log: Logger): Server {
  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 15_000, keepAliveTimeout: 30_000, maxHeaderSize: 16_384 },
    (request, response) => {
      answer(routes, token, request, response).catch(error => fail(error, response, log))
    },
  )
  server.maxConnections = maxConnections
  return server
}

async function answer(routes: Route[], token: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://feed')
  const here = routes.filter(({ path }) => path === url.pathname)
  if (here.length === 0) throw new Problem(404, 'NotFound', 'there is nothing at this path')
  const route = here.find(({ method }) => method === request.method)
  if (route === undefined) {
    response.setHeader('allow', here.map(({ method }) => method).join(', '))
    throw new Problem(405, 'MethodNotAllowed', `this path takes ${here.map(({ method }) => method).join(', ')}`)
  }
  if (!route.isPublic) authorize(request, token)
  await route.handle({ request, response, query: url.searchParams, body: () => readJson(request) })
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Problem(413, 'BodyTooLarge', `a body has at most ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new Problem(400, 'NotJson', 'the body is not JSON')
  }
}

function fail(error: unknown, response: ServerResponse, log: Logger): void {
  const problem = error instanceof Problem ? error : new Problem(500, 'Internal', 'the feed failed to answer')
  if (problem.status === 500) log.error({ err: error }, 'request failed')
  if (problem.status === 413) response.setHeader('connection', 'close')
  if (problem.status === 401) response.setHeader('www-authenticate', 'Bearer')
  if (response.headersSent) response.destroy()
  else sendProblem(response, problem)
}
