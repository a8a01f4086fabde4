import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Ports } from '../kinds/reconcile.ts'
import { declare } from '../sources/object.ts'
import { pathText } from '../sources/problem.ts'
import { addPassedQuestions, reach, unreachable } from './passing.ts'
import { rehearse } from './rehearsal.ts'
import type { ServerOptions } from './server.ts'
import { openSse } from './sse.ts'

type Named = { namespace: string; name: string }

export function addFeedRoutes(server: FastifyInstance, options: ServerOptions): void {
  const { ports } = options
  addPassedQuestions(server, ports)
  server.post<{ Body: { objects?: unknown[] } }>('/api/v1/plan', async ({ body }) => {
    const declared = (body?.objects ?? []).map(declare)
    const problems = declared.flatMap(({ rejections }, index) =>
      rejections.map(({ path, message, hint }) => `objects[${index}].${pathText(path)}: ${message}: ${hint}`),
    )
    if (problems.length > 0) throw Object.assign(new Error(problems.join('; ')), { statusCode: 400, title: 'Not valid' })
    return {
      items: await rehearse(
        declared.flatMap(({ resource }) => resource ?? []),
        ports,
      ),
    }
  })
  server.get<{ Params: Named; Querystring: { instrument?: string; limit?: string } }>(
    '/api/v1/feeds/:namespace/:name/ticks',
    async ({ params, query }, reply) => {
      await passTicks(`${params.namespace}/${params.name}`, new URLSearchParams(query as Record<string, string>), reply, ports)
    },
  )
}

/** Passes the feed's own tap on, so that whoever reads ticks needs no token of the feed. */
async function passTicks(key: string, query: URLSearchParams, reply: FastifyReply, ports: Ports): Promise<void> {
  const { endpoint, authorization } = reach(key, ports)
  const ended = new AbortController()
  reply.raw.on('close', () => ended.abort())
  const answer = await fetch(`${endpoint}/v1/ticks?${query}`, {
    headers: { authorization },
    signal: ended.signal,
  }).catch(cause => unreachable(key, cause))
  if (!answer.ok || !answer.body)
    throw Object.assign(new Error(`the feed answers ${answer.status}: ${await answer.text()}`), {
      statusCode: answer.status < 500 ? answer.status : 502,
      title: 'Feed refused',
    })
  const sse = openSse(reply)
  try {
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) sse.raw(text)
  } catch {
    // The feed or the reader went away: the stream ends, and whoever still reads comes back.
  }
  sse.close()
}
