import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { keyOf } from '../../crds/contract/resource.ts'
import { approvalOf, heldFeeds } from '../deletions.ts'
import { isTrue } from '../kinds/condition.ts'
import { changesBetween } from '../kinds/feed/revisiondiff.ts'
import { resourceId } from '../resourceid.ts'
import type { RevisionChangeView, SourceView } from './contract.ts'
import type { ServerOptions } from './server.ts'
import { type Filter, findView, listViews, revisionViews } from './view.ts'

/** Events that one answer holds at most. */
const eventLimit = 1000

/** Whoever asks for a feed again sees it as it was at most so long before, in ms, however seldom it is looked at otherwise. */
const freshMs = 1000

type Named = { kind: string; namespace: string; name: string }

export function addResourceRoutes(server: FastifyInstance, options: ServerOptions): void {
  const { store } = options
  const lookAgain = onDemand(options)
  server.get('/api/v1/source', () => sourceView(options))
  server.post('/api/v1/source/approval', ({ body }) => approve(body, options))
  server.get<{ Querystring: Filter }>('/api/v1/resources', ({ query }) => {
    const items = listViews(store, query)
    for (const { kind, metadata } of items) if (kind === 'Feed') lookAgain(keyOf(metadata))
    return { items }
  })
  server.get<{ Params: Named }>('/api/v1/resources/:kind/:namespace/:name', ({ params: { kind, namespace, name } }) => {
    const key = `${namespace}/${name}`
    if (kind === 'Feed') lookAgain(key)
    return findView(store, kind, key) ?? notFound(`${kind} ${key}`)
  })
  server.get<{ Params: Named }>('/api/v1/feeds/:namespace/:name/revisions', ({ params: { namespace, name } }) => {
    const key = `${namespace}/${name}`
    if (!store.declared.get('Feed', key)) return notFound(`Feed ${key}`)
    return { items: revisionViews(store, key) }
  })
  server.get<{ Params: Named & { from: string; to: string } }>(
    '/api/v1/feeds/:namespace/:name/revisions/:from/changes/:to',
    ({ params: { namespace, name, from, to } }) => {
      const key = `${namespace}/${name}`
      const kept = store.revisions.list(key)
      const find = (text: string) => kept.find(({ number }) => number === Number(text))
      const [before, after] = [find(from), find(to)]
      if (!before || !after) return notFound(`Feed ${key} revision ${before ? to : from}`)
      return { items: changesBetween(before, after) satisfies RevisionChangeView[] }
    },
  )
  server.get<{ Querystring: { kind?: string; key?: string; limit?: string } }>(
    '/api/v1/events',
    ({ query: { kind, key, limit } }) => {
      const count = Math.min(Math.max(Number(limit) || 100, 1), eventLimit)
      return { items: store.events.list({ ...(kind && { kind }), ...(key && { key }), limit: count }) }
    },
  )
}

/** Has converged feeds looked at again; one that has not is looked at often enough, and its back-off is left alone. */
function onDemand({ store, queue }: ServerOptions): (key: string) => void {
  const askedAt = new Map<string, number>()
  return key => {
    const now = performance.now()
    const isFresh = now - (askedAt.get(key) ?? Number.NEGATIVE_INFINITY) < freshMs
    if (isFresh || !isTrue(store.status.get('Feed', key)?.conditions, 'Ready')) return
    askedAt.set(key, now)
    queue.add(resourceId('Feed', key))
  }
}

export function notFound(what: string): never {
  throw Object.assign(new Error(`${what} is not declared`), { statusCode: 404, title: 'Not found' })
}

const approvalSchema = z.object({ digest: z.string().min(1).max(64), by: z.string().trim().min(1).max(200) })

function approve(body: unknown, { desk }: ServerOptions): { removed: string[] } {
  const { data } = approvalSchema.safeParse(body)
  if (!data) throw Object.assign(new Error('write {"digest": "...", "by": "..."}'), { statusCode: 400, title: 'Not valid' })
  const outcome = desk.approve(data)
  if ('removed' in outcome) return outcome
  throw Object.assign(new Error(outcome.refused), { statusCode: 409, title: 'Nothing was removed' })
}

function sourceView({ desk, store, location }: ServerOptions): SourceView {
  const held = store.held.get()
  return {
    type: 'directory',
    location,
    readAt: desk.readAt(),
    complete: desk.snapshot()?.complete ?? false,
    ...(held && { held: { digest: approvalOf(held), since: held.since, feeds: heldFeeds(held) } }),
    problems: desk
      .problems()
      .map(({ file, line, column, path, reason, message, hint }) => ({ file, line, column, path, reason, message, hint })),
  }
}
