import type { ServerResponse } from 'node:http'

/** An HTTP error in words: RFC 9457. `reason` is CamelCase and what programs look at. */
export class Problem extends Error {
  readonly status: number
  readonly reason: string
  readonly details: Record<string, unknown>

  constructor(status: number, reason: string, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'Problem'
    this.status = status
    this.reason = reason
    this.details = details
  }
}

export function sendProblem(response: ServerResponse, { status, reason, message, details }: Problem): void {
  const body = { type: `urn:feedplane:problem:${reason}`, title: reason, status, reason, detail: message, ...details }
  send(response, status, 'application/problem+json', JSON.stringify(body))
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', JSON.stringify(body))
}

export function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}
