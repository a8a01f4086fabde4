import { afterEach, beforeEach, expect, it } from 'vitest'
import { openHub } from '../hub.ts'
import { type ServerOptions, startServer } from './server.ts'

const store = { declared: { all: () => [], get: () => undefined } }
let server: Awaited<ReturnType<typeof startServer>>

beforeEach(async () => {
  const options = { listen: { host: '127.0.0.1', port: 0 }, store, hub: openHub(), ports: { store } }
  server = await startServer(options as unknown as ServerOptions)
})

afterEach(() => server.close())

it('answers a parameter that is given twice with 400, and keeps no place for whoever asked so', async () => {
  for (let asked = 0; asked < 101; asked++)
    expect(await statusOf('/api/v1/watch?kind=Feed&key=production/a&key=production/b')).toBe(400)
  expect(await statusOf('/api/v1/events?kind=Feed&kind=Host')).toBe(400)
  expect(await statusOf('/api/v1/watch?kind=Feed&key=production/a')).toBe(200)
  expect(await statusOf('/api/v1/feeds/production/a/subscriptions?state=silent&state=rejected')).toBe(404)
})

async function statusOf(path: string): Promise<number> {
  const { status, body } = await fetch(`${server.url}${path}`)
  await body?.cancel()
  return status
}
