import type { FastifyReply } from 'fastify'

/** Answers with `application/problem+json` (RFC 9457). What is not a client's fault shows no inner text. */
export function problemReply(reply: FastifyReply, error: unknown): FastifyReply {
  const {
    statusCode = 500,
    title,
    message = '',
  } = (typeof error === 'object' && error !== null ? error : {}) as { statusCode?: number; title?: string; message?: string }
  const body = {
    type: 'about:blank',
    status: statusCode,
    title: title ?? (statusCode < 500 ? 'Bad request' : 'Internal error'),
    detail: message,
  }
  return reply.code(statusCode).type('application/problem+json').send(body)
}
