import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sendJson } from './problem.ts'
import { type Route, serve } from './server.ts'

const routes: Route[] = [
  { method: 'GET', path: '/open', isPublic: true, handle: ({ response }) => sendJson(response, 200, { ok: true }) },
  { method: 'GET', path: '/closed', handle: ({ response }) => sendJson(response, 200, { ok: true }) },
  { method: 'PUT', path: '/closed', handle: async ({ response, body }) => sendJson(response, 200, await body()) },
  {
    method: 'GET',
    path: '/broken',
    isPublic: true,
    handle: () => {
      throw new Error('the password is canary')
    },
  },
]

let server: ReturnType<typeof serve>
let base = ''

beforeEach(async () => {
  server = serve(routes, 'right-token', pino({ level: 'silent' }))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

const bearer = { authorization: 'Bearer right-token' }
const ask = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${base}${path}`, init)
  return { status: response.status, type: response.headers.get('content-type'), body: (await response.json()) as object }
}

describe('the feed server', () => {
  it('serves what is public to anybody and the rest to whoever bears the token', async () => {
    expect((await ask('/open')).status).toBe(200)
    expect((await ask('/closed', { headers: bearer })).status).toBe(200)
    for (const authorization of ['', 'Bearer', 'Bearer wrong', 'Basic right-token', 'right-token'])
      expect(await ask('/closed', { headers: { authorization } })).toMatchObject({
        status: 401,
        type: 'application/problem+json',
        body: { reason: 'Unauthorized' },
      })
  })

  it('names what is wrong with a request', async () => {
    expect(await ask('/nowhere', { headers: bearer })).toMatchObject({ status: 404, body: { reason: 'NotFound' } })
    expect(await ask('/open', { method: 'PUT' })).toMatchObject({ status: 405, body: { reason: 'MethodNotAllowed' } })
    const put = (body: string) => ask('/closed', { method: 'PUT', headers: bearer, body })
    expect(await put('{')).toMatchObject({ status: 400, body: { reason: 'NotJson' } })
    expect(await put('{"a":1}')).toMatchObject({ status: 200, body: { a: 1 } })
  })

  it('takes no body of more than 8 MB', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${base}/closed`, { method: 'PUT', headers: bearer }, response => resolve(response.statusCode))
      call.on('error', reject)
      call.end(Buffer.alloc(8 * 1024 * 1024 + 1, ' '))
    })
    expect(status).toBe(413)
  })

  it('keeps its own failures to itself', async () => {
    const { status, body } = await ask('/broken')
    expect(status).toBe(500)
    expect(body).toMatchObject({ reason: 'Internal' })
    expect(JSON.stringify(body)).not.toContain('canary')
  })
})
