import type { FastifyInstance } from 'fastify'
import type { SourceView } from './contract.ts'
import type { ServerOptions } from './server.ts'
import { type Filter, findView, listViews, revisionViews } from './view.ts'

/** Events that one answer holds at most. */
const eventLimit = 1000

type Named = { kind: string; namespace: string; name: string }

export function addResourceRoutes(server: FastifyInstance, options: ServerOptions): void {
  const { store } = options
  server.get('/api/v1/source', () => sourceView(options))
  server.get<{ Querystring: Filter }>('/api/v1/resources', ({ query }) => ({ items: listViews(store, query) }))
  server.get<{ Params: Named }>(
    '/api/v1/resources/:kind/:namespace/:name',
    ({ params: { kind, namespace, name } }) =>
      findView(store, kind, `${namespace}/${name}`) ?? notFound(`${kind} ${namespace}/${name}`),
  )
  server.get<{ Params: Named }>('/api/v1/feeds/:namespace/:name/revisions', ({ params: { namespace, name } }) => {
    const key = `${namespace}/${name}`
    if (!store.declared.get('Feed', key)) return notFound(`Feed ${key}`)
    return { items: revisionViews(store, key) }
  })
  server.get<{ Querystring: { kind?: string; key?: string; limit?: string } }>(
    '/api/v1/events',
    ({ query: { kind, key, limit } }) => {
      const count = Math.min(Math.max(Number(limit) || 100, 1), eventLimit)
      return { items: store.events.list({ ...(kind && { kind }), ...(key && { key }), limit: count }) }
    },
  )
}

export function notFound(what: string): never {
  throw Object.assign(new Error(`${what} is not declared`), { statusCode: 404, title: 'Not found' })
}

function sourceView({ desk, location }: ServerOptions): SourceView {
  return {
    type: 'directory',
    location,
    readAt: desk.readAt(),
    complete: desk.snapshot()?.complete ?? false,
    problems: desk
      .problems()
      .map(({ file, line, column, path, reason, message, hint }) => ({ file, line, column, path, reason, message, hint })),
  }
}
