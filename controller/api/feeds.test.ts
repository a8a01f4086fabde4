import fastify from 'fastify'
import { expect, it } from 'vitest'
import { addFeedRoutes } from './feeds.ts'
import { problemReply } from './problem.ts'
import type { ServerOptions } from './server.ts'

it('says of a feed whose control port takes no connection that it does not answer, for ticks too', async () => {
  const server = fastify()
  server.setErrorHandler((error, _request, reply) => problemReply(reply, error))
  addFeedRoutes(server, { ports: portsOfDeadFeed } as unknown as ServerOptions)
  for (const question of ['ticks', 'calendar']) {
    const answer = await server.inject(`/api/v1/feeds/production/ctp/${question}`)
    expect(answer.json()).toMatchObject({ status: 503, title: 'Not answering', detail: 'Feed production/ctp does not answer' })
  }
})

/** Port 1 is nobody's. */
const portsOfDeadFeed = {
  store: { declared: { get: () => ({}) }, status: { get: () => ({ endpoint: 'http://127.0.0.1:1' }) } },
  tokenOf: () => 'token',
}
