import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Notice } from '../hub.ts'
import type { ServerOptions } from './server.ts'
import { openSse } from './sse.ts'
import { findView, listViews } from './view.ts'

/** Watchers at the same time. */
const watcherLimit = 100

type Query = { kind?: string; key?: string }

/** `GET /api/v1/watch`: the present state first, then every change as it is seen. */
export function addWatchRoutes(server: FastifyInstance, options: ServerOptions): void {
  let watchers = 0
  server.get<{ Querystring: Query }>('/api/v1/watch', ({ query }, reply) => {
    if (watchers >= watcherLimit)
      throw Object.assign(new Error(`there are ${watcherLimit} watchers already`), {
        statusCode: 429,
        title: 'Too many watchers',
      })
    watchers++
    watch(query, reply, options, () => watchers--)
  })
}

function watch(query: Query, reply: FastifyReply, { store, hub }: ServerOptions, onEnd: () => void): void {
  const sse = openSse(reply)
  sse.onClose(onEnd)
  const [namespace, name] = query.key?.split('/') ?? []
  for (const view of listViews(store, {
    ...(query.kind && { kind: query.kind }),
    ...(namespace && { namespace }),
    ...(name && { name }),
  }))
    sse.send('resource', view)
  const stop = hub.subscribe(notice => {
    if (concerns(notice, query)) tell(notice)
  })
  sse.onClose(stop)

  function tell(notice: Notice): void {
    if (notice.type === 'event') {
      sse.send('event', notice.event)
      return
    }
    const view = findView(store, notice.kind, notice.key)
    if (view) sse.send('resource', view)
    else sse.send('deleted', { kind: notice.kind, key: notice.key })
  }
}

function concerns(notice: Notice, { kind, key }: Query): boolean {
  const subject = notice.type === 'event' ? notice.event : notice
  return (!kind || subject.kind === kind) && (!key || subject.key === key)
}
