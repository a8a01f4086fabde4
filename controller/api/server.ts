import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Desk } from '../desk.ts'
import type { Hub } from '../hub.ts'
import type { Ports } from '../kinds/reconcile.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { KeyQueue } from '../runtime/queue.ts'
import type { Store } from '../store/store.ts'
import { addFeedRoutes } from './feeds.ts'
import { addHealthRoutes } from './health.ts'
import { addPreflightRoute } from './preflight.ts'
import { problemReply } from './problem.ts'
import { addResourceRoutes } from './resources.ts'
import { addWatchRoutes } from './watch.ts'

export type ServerOptions = {
  listen: { host: string; port: number }
  store: Store
  metrics: ControllerMetrics
  queue: KeyQueue
  hub: Hub
  desk: Desk
  ports: Ports
  /** Where the declared YAML is. */
  location: string
  stateDirectory: string
  resyncMs: number
}

/** Largest body of a question: a plan of many manifests. */
const bodyLimitBytes = 16 * 1024 * 1024

/** Starts the HTTP port of `contract.ts`. It answers questions; the one thing that it changes is a hold of deletions. */
export async function startServer(options: ServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const server: FastifyInstance = fastify({
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    connectionTimeout: 0,
  })
  server.addHook('onRequest', refuseRepeated)
  server.setErrorHandler((error, _request, reply) => problemReply(reply, error))
  server.setNotFoundHandler((request, reply) =>
    problemReply(reply, { statusCode: 404, title: 'Not found', message: `there is no ${request.method} ${request.url}` }),
  )
  addHealthRoutes(server, options)
  addResourceRoutes(server, options)
  addFeedRoutes(server, options)
  addPreflightRoute(server, options)
  addWatchRoutes(server, options)
  const url = await server.listen(options.listen)
  return { url, close: () => server.close() }
}

/** Each parameter is one text, but for the lists of questions that a feed answers itself. */
async function refuseRepeated({ query, url }: FastifyRequest): Promise<void> {
  const [twice] = Object.entries(query as object).flatMap(([name, value]) => (Array.isArray(value) ? [name] : []))
  if (twice === undefined || url.startsWith('/api/v1/feeds/')) return
  throw Object.assign(new Error(`${twice} is given more than once: ask once for each`), { statusCode: 400, title: 'Not valid' })
}
