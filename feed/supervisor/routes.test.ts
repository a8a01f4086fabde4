import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DesiredBody } from '../../crds/contract/desired.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import type { Tick } from '../../crds/contract/tick.ts'
import { openCalendar } from '../calendar/open.ts'
import { metricsOf } from './metrics.ts'
import { maxStreams, routesOf } from './routes.ts'
import { serve } from './server.ts'
import { StateDirectory } from './state.ts'
import { Supervisor } from './supervisor.ts'
import { desiredWith } from './testing.ts'

const token = 'a-token-of-the-routes'
const log = pino({ level: 'silent' })

let directory: string
let server: Server
let supervisor: Supervisor
let base: string

/** The routes of a feed that has started no session. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'feedplane-routes-'))
  supervisor = new Supervisor({
    saved: { desired: desiredWith({}), override: undefined, position: undefined },
    state: new StateDirectory(directory),
    calendar: openCalendar({ type: 'always' }),
    ...{ log, directory, dataDirectory: directory, hungMs: 3000, sessionMemoryBytes: 2 ** 30 },
  })
  server = serve(routesOf(supervisor, metricsOf(supervisor, '1'), '1'), token, log)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.close()
  server.closeAllConnections()
  await rm(directory, { recursive: true })
})

function ask(method: string, path: string, body?: string, bearer = token): Promise<Response> {
  return fetch(`${base}${path}`, { method, headers: { authorization: `Bearer ${bearer}` }, ...(body !== undefined && { body }) })
}

async function refusalOf(answer: Promise<Response>): Promise<object> {
  const response = await answer
  const { reason } = (await response.json()) as { reason?: string }
  return { status: response.status, reason }
}

/** The desired state that is in force, with so much said of its instruments. */
function bodyWith(instruments: Partial<DesiredBody['live']>): string {
  const { instrumentGroups: _known, ...live } = desiredWith({}).live
  return JSON.stringify({ ...desiredWith({}), live: { ...live, ...instruments } })
}

it('takes a desired state without the instruments that it has', async () => {
  const { instrumentsDigest = '' } = (await (await ask('GET', '/v1/status')).json()) as FeedReport
  const answer = await ask('PUT', '/v1/desired', bodyWith({ instrumentsDigest }))
  expect(await answer.json()).toMatchObject({ changed: false, epoch: 1 })
})

it('ends a reader of ticks at its limit, whatever else comes before it has left', async () => {
  const response = await ask('GET', '/v1/ticks?limit=3')
  const ticks = ['a', 'b'].map(instrument => ({ instrument }) as Tick)
  for (let i = 0; i < 20; i++) supervisor.tap.push(ticks, 0)
  const text = await response.text()
  expect(text.match(/^event: tick$/gm)).toHaveLength(3)
  supervisor.tap.push(ticks, 0)
})

describe('a request that is refused', () => {
  const long = ' '.repeat(8 * 1024 * 1024 + 1)
  const instruments = Array.from({ length: 1001 }, (_, index) => `rb${index}`).join(',')
  const refused: [call: string, status: number, reason: string, body?: string][] = [
    ['GET /v1/nowhere', 404, 'NotFound'],
    ['POST /v1/status', 405, 'MethodNotAllowed'],
    ['PUT /v1/desired', 400, 'NotJson', '{'],
    ['PUT /v1/desired', 400, 'SchemaInvalid', '{}'],
    ['PUT /v1/desired', 413, 'BodyTooLarge', long],
    ['PUT /v1/desired', 400, 'SchemaInvalid', bodyWith({})],
    ['PUT /v1/desired', 400, 'SchemaInvalid', bodyWith({ instrumentGroups: [], instrumentsDigest: 'v1:0' })],
    ['PUT /v1/desired', 409, 'InstrumentsUnknown', bodyWith({ instrumentsDigest: 'v1:0' })],
    ['PUT /v1/position', 400, 'SchemaInvalid', '{}'],
    ['GET /v1/calendar?days=0', 400, 'QueryInvalid'],
    ['GET /v1/calendar?days=many', 400, 'QueryInvalid'],
    ['GET /v1/calendar?at=1999-12-31', 400, 'QueryInvalid'],
    ['GET /v1/events?after=first', 400, 'QueryInvalid'],
    ['GET /v1/ticks?limit=-1', 400, 'QueryInvalid'],
    [`GET /v1/ticks?instrument=${instruments}`, 400, 'TooManyInstruments'],
    ['GET /v1/subscriptions?state=lost', 400, 'QueryInvalid'],
    ['POST /v1/subscriptions/retry', 400, 'QueryInvalid', '{"states":["ticking"]}'],
    ['POST /v1/logins/retry', 400, 'QueryInvalid', '{}'],
  ]
  it.each(refused)('%s is answered with %i %s', async (call, status, reason, body) => {
    const [method = '', path = ''] = call.split(' ')
    expect(await refusalOf(ask(method, path, body))).toEqual({ status, reason })
  })

  it.each(['wrong', ''])('by its token, "%s", is answered with 401 Unauthorized, whatever it asks', async bearer => {
    const expected = { status: 401, reason: 'Unauthorized' }
    for (const path of ['/v1/status', '/v1/position', '/v1/ticks', '/v1/events', '/v1/subscriptions', '/v1/calendar'])
      expect(await refusalOf(ask('GET', path, undefined, bearer)), path).toEqual(expected)
    expect(await refusalOf(ask('PUT', '/v1/desired', '{', bearer))).toEqual(expected)
  })

  it('because all places for readers are taken is TooManyReaders, until one has left', async () => {
    const leave = new AbortController()
    const headers = { authorization: `Bearer ${token}` }
    const paths = Array.from({ length: maxStreams }, (_, index) => (index % 2 === 0 ? '/v1/ticks' : '/v1/events'))
    const [first] = await Promise.all(paths.map(path => fetch(`${base}${path}`, { headers, signal: leave.signal })))
    expect(first?.status).toBe(200)
    expect(await refusalOf(ask('GET', '/v1/ticks'))).toEqual({ status: 503, reason: 'TooManyReaders' })
    leave.abort()
    await expect.poll(async () => (await ask('GET', '/v1/ticks')).status).toBe(200)
  })
})
