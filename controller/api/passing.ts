import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Ports } from '../kinds/reconcile.ts'
import { notFound } from './resources.ts'

/** A session goes through 20,000 instruments in milliseconds; the feed itself waits 5 s for one. */
const answerTimeoutMs = 8000

type Named = { namespace: string; name: string }

/** Questions that a feed answers itself, passed on, so that whoever asks needs no token of the feed. */
export function addPassedQuestions(server: FastifyInstance, ports: Ports): void {
  for (const question of ['subscriptions', 'calendar'])
    server.get<{ Params: Named }>(`/api/v1/feeds/:namespace/:name/${question}`, async ({ params, url }, reply) => {
      const query = url.includes('?') ? url.slice(url.indexOf('?')) : ''
      await pass(`${params.namespace}/${params.name}`, `/v1/${question}${query}`, reply, ports)
    })
}

async function pass(key: string, path: string, reply: FastifyReply, ports: Ports): Promise<void> {
  const { endpoint, authorization } = reach(key, ports)
  const signal = AbortSignal.timeout(answerTimeoutMs)
  const answer = await fetch(`${endpoint}${path}`, { headers: { authorization }, signal }).catch(cause => unreachable(key, cause))
  const text = await answer.text()
  // A token that the feed refuses is our mistake, not the asker's.
  if (answer.status === 401) throw Object.assign(new Error(`the feed refuses the controller: ${text}`), { statusCode: 502 })
  await reply
    .code(answer.status)
    .type(answer.headers.get('content-type') ?? 'application/json')
    .send(text)
}

/** Where a feed answers, and with which header. Throws 404 where it is not declared, 503 where it does not run. */
export function reach(key: string, { store, tokenOf }: Ports): { endpoint: string; authorization: string } {
  if (!store.declared.get('Feed', key)) notFound(`Feed ${key}`)
  const endpoint = store.status.get('Feed', key)?.endpoint
  if (!endpoint) throw Object.assign(new Error(`Feed ${key} does not run`), { statusCode: 503, title: 'Not running' })
  return { endpoint, authorization: `Bearer ${tokenOf(key)}` }
}

export function unreachable(key: string, cause: unknown): never {
  throw Object.assign(new Error(`Feed ${key} does not answer`, { cause }), { statusCode: 503, title: 'Not answering' })
}
