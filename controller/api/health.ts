import type { FastifyInstance } from 'fastify'
import { showSurroundings } from '../metrics.ts'
import type { ServerOptions } from './server.ts'

/**
 * `/healthz`: the process works (its state can be read). `/readyz`: it does its work: the source was read whole and every declared
 * resource has been looked at since the start; 503 names what is missing.
 */
export function addHealthRoutes(
  server: FastifyInstance,
  { store, desk, metrics, queue, ports, stateDirectory }: ServerOptions,
): void {
  server.get('/healthz', () => ({ status: 'ok', installation: store.installation.id }))
  server.get('/readyz', (_request, reply) => {
    const reasons = notReady()
    return reply.code(reasons.length === 0 ? 200 : 503).send({ status: reasons.length === 0 ? 'ready' : 'not ready', reasons })
  })
  server.get('/metrics', async (_request, reply) => {
    const { ready, inFlight, waiting } = queue.depth
    metrics.queue.set({ state: 'ready' }, ready)
    metrics.queue.set({ state: 'in_flight' }, inFlight)
    metrics.queue.set({ state: 'waiting' }, waiting)
    await showSurroundings(metrics, store, stateDirectory)
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  server.get('/sd/feeds', () =>
    store.declared.list('Feed').flatMap(({ resource }) => target(resource.metadata.namespace, resource.metadata.name)),
  )

  function notReady(): string[] {
    const snapshot = desk.snapshot()
    if (!snapshot) return ['the source was not read yet']
    const unseen = store.declared
      .all()
      .filter(
        ({ resource }) =>
          store.status.get(resource.kind, `${resource.metadata.namespace}/${resource.metadata.name}`) === undefined,
      )
    const incomplete = snapshot.complete ? [] : ['the source could not be read whole']
    return [...incomplete, ...(unseen.length > 0 ? [`${unseen.length} resources were not looked at yet`] : [])]
  }

  function target(namespace: string, feed: string): object[] {
    const endpoint = store.status.get('Feed', `${namespace}/${feed}`)?.endpoint
    if (!endpoint) return []
    const { hostRef } = ports.declared.get('Feed', `${namespace}/${feed}`)?.resource.spec ?? {}
    return [{ targets: [new URL(endpoint).host], labels: { namespace, feed, host: hostRef ?? '' } }]
  }
}
