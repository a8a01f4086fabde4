import type * as z from 'zod'
import { type DesiredBody, desiredBodySchema } from '../../crds/contract/desired.ts'
import type { FeedEvent } from '../../crds/contract/feedstatus.ts'
import { completed } from './acceptance.ts'
import { EventStream } from './eventstream.ts'
import { inquiryRoutes } from './inquiries.ts'
import { exposition, type Metrics } from './metrics.ts'
import { bodyOf, type PositionBody, positionBodySchema, positionIn } from './positionbody.ts'
import { Problem, send, sendJson } from './problem.ts'
import { unreadyReasons } from './readiness.ts'
import { reportOf } from './report.ts'
import type { Call, Route } from './server.ts'
import type { Supervisor } from './supervisor.ts'

/** Readers of ticks and events at one time. */
export const maxStreams = 32

const maxIssues = 20
const maxTappedInstruments = 1000

/** The feed's HTTP surface; docs/concepts/feed.md has it as a table. */
export function routesOf(supervisor: Supervisor, metrics: Metrics, version: string): Route[] {
  const streams = new Set<EventStream>()
  return [
    { method: 'GET', path: '/healthz', isPublic: true, handle: call => health(call, supervisor) },
    { method: 'GET', path: '/readyz', isPublic: true, handle: call => readiness(call, supervisor, version) },
    { method: 'GET', path: '/metrics', isPublic: true, handle: call => scrape(call, metrics) },
    {
      method: 'GET',
      path: '/v1/status',
      handle: ({ response }) => sendJson(response, 200, reportOf(supervisor, version, Date.now())),
    },
    { method: 'PUT', path: '/v1/desired', handle: call => putDesired(call, supervisor) },
    { method: 'GET', path: '/v1/position', handle: ({ response }) => sendJson(response, 200, bodyOf(supervisor.position)) },
    { method: 'PUT', path: '/v1/position', handle: call => putPosition(call, supervisor) },
    { method: 'GET', path: '/v1/ticks', handle: call => ticks(call, supervisor, streams) },
    { method: 'GET', path: '/v1/events', handle: call => events(call, supervisor, streams) },
    ...inquiryRoutes(supervisor),
  ]
}

// Alive is what runs and answers; a front that is away is no reason to restart a feed.
function health({ response }: Call, supervisor: Supervisor): void {
  const hung = supervisor.hungSessions()
  sendJson(response, hung.length === 0 ? 200 : 503, { healthy: hung.length === 0, hung })
}

function readiness({ response }: Call, supervisor: Supervisor, version: string): void {
  const reasons = unreadyReasons(reportOf(supervisor, version, Date.now()), supervisor.active)
  sendJson(response, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons })
}

async function scrape({ response }: Call, metrics: Metrics): Promise<void> {
  const { type, text } = await exposition(metrics)
  send(response, 200, type, text)
}

async function putDesired({ response, body }: Call, supervisor: Supervisor): Promise<void> {
  const desired = completed(parsed<DesiredBody>(desiredBodySchema, await body()), supervisor.desired)
  if (desired === undefined) throw new Problem(409, 'InstrumentsUnknown', 'other instruments are in force here: send them whole')
  const verdict = await supervisor.apply(desired)
  const { epoch, active } = supervisor
  if (verdict.outcome === 'refused') throw new Problem(verdict.status, verdict.reason, verdict.message, { epoch, active })
  sendJson(response, 200, { changed: verdict.outcome === 'changed', epoch, active })
}

async function putPosition({ response, body }: Call, supervisor: Supervisor): Promise<void> {
  const given = parsed<PositionBody>(positionBodySchema, await body())
  const position = positionIn(given)
  if (!supervisor.takePosition(position))
    throw new Problem(409, 'GateOpen', 'this feed publishes, or shall: only a standby takes a position over')
  sendJson(response, 200, { instruments: given.instruments.length, exact: position.exact })
}

function parsed<Body>(schema: z.ZodType<Body>, body: unknown): Body {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const errors = result.error.issues.slice(0, maxIssues).map(({ path, message }) => ({ path: path.join('.'), message }))
  const first = errors[0]
  throw new Problem(400, 'SchemaInvalid', `${first?.path}: ${first?.message}`, { errors })
}

function ticks({ response, query }: Call, supervisor: Supervisor, streams: Set<EventStream>): void {
  const instruments = query
    .getAll('instrument')
    .flatMap(list => list.split(','))
    .filter(name => name !== '')
  if (instruments.length > maxTappedInstruments)
    throw new Problem(400, 'TooManyInstruments', `a tap takes at most ${maxTappedInstruments} instruments`)
  let left = countOf(query, 'limit') ?? Number.POSITIVE_INFINITY
  const stream = openStream(response, streams)
  const unfollow = supervisor.tap.follow(
    instruments,
    (batch, dropped) => {
      if (dropped > 0) stream.addDropped(dropped)
      for (const tick of batch.slice(0, left)) stream.send('tick', tick)
      left -= batch.length
      if (left > 0) return
      unfollow()
      stream.end()
    },
    () => stream.end(),
  )
  response.once('close', unfollow)
}

function events({ request, response, query }: Call, supervisor: Supervisor, streams: Set<EventStream>): void {
  const header = request.headers['last-event-id']
  const after = countOf(query, 'after') ?? (typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : 0)
  const past = supervisor.journal.after(after)
  if (query.get('follow') === 'false') {
    sendJson(response, 200, { events: past })
    return
  }
  const stream = openStream(response, streams)
  const write = (event: FeedEvent): void => stream.send('event', event, event.sequence)
  for (const event of past) write(event)
  response.once('close', supervisor.journal.follow(write))
}

function openStream(response: Call['response'], streams: Set<EventStream>): EventStream {
  if (streams.size >= maxStreams) throw new Problem(503, 'TooManyReaders', `a feed has at most ${maxStreams} readers at a time`)
  const stream = new EventStream(response)
  streams.add(stream)
  response.once('close', () => streams.delete(stream))
  return stream
}

function countOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new Problem(400, 'QueryInvalid', `${name} is a whole number`)
  return Number(text)
}
