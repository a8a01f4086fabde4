import type { CalendarView } from '../../crds/contract/calendar.ts'
import type { SubscriptionsView } from '../../crds/contract/subscriptions.ts'
import type {
  PlanView,
  PreflightFacts,
  ResourceEvent,
  ResourceView,
  RevisionChangeView,
  RevisionView,
  SourceView,
} from '../api/contract.ts'
import { answered, answerTimeoutMs, unreachable } from './answer.ts'
import { ExitError } from './exit.ts'
import { type Message, streamMessages } from './stream.ts'

/** `instrument`, `exclude` and `state` are lists joined by commas. */
export type SubscriptionsQuery = {
  instrument?: string | undefined
  exclude?: string | undefined
  state?: string | undefined
  account?: string | undefined
  silentAfterSeconds?: number | undefined
  limit?: number
  after?: string | undefined
}

export type ResourceQuery = { kind: string; namespace?: string | undefined; name?: string | undefined }

/**
 * The controller's HTTP port, as feedctl asks it (`controller/api/contract.ts`). Every call ends by the signal; an unreachable
 * controller is exit 2 with what was tried and what to do, a refusal (401, 403, 409, 422) exit 4.
 */
export type Controller = {
  readonly server: string
  resources(query: ResourceQuery): Promise<ResourceView[]>
  revisions(key: string): Promise<RevisionView[]>
  /** What differs between two revisions. */
  changes(key: string, from: number, to: number): Promise<RevisionChangeView[]>
  events(query: { kind?: string; key?: string; limit?: number }): Promise<ResourceEvent[]>
  source(): Promise<SourceView>
  /** Lets held deletions go; exit 4 where the digest is not that of what is held now. */
  approve(digest: string, by: string): Promise<{ removed: string[] }>
  plan(objects: unknown[]): Promise<PlanView[]>
  watch(query: { kind?: string; key?: string }, signal: AbortSignal): AsyncGenerator<Message>
  subscriptions(key: string, query: SubscriptionsQuery): Promise<SubscriptionsView>
  preflight(key: string): Promise<PreflightFacts>
  calendar(key: string, query: { days?: number | undefined; at?: string | undefined }): Promise<CalendarView>
  ticks(key: string, query: { instrument?: string; limit?: number }, signal: AbortSignal): AsyncGenerator<Message>
}

export function connect(server: string, signal: AbortSignal): Controller {
  const get = <T>(path: string, query: Query = {}) => request<T>(server, path + search(query), {}, signal)
  const items = async <T>(path: string, query?: Query) => (await get<{ items: T[] }>(path, query)).items
  const plan = (objects: unknown[]) => request<{ items: PlanView[] }>(server, '/api/v1/plan', postOf({ objects }), signal)
  return {
    server,
    resources: query => items('/api/v1/resources', query),
    revisions: key => items(`/api/v1/feeds/${pathOf(key)}/revisions`),
    changes: (key, from, to) => items(`/api/v1/feeds/${pathOf(key)}/revisions/${from}/changes/${to}`),
    events: query => items('/api/v1/events', query),
    source: () => get('/api/v1/source'),
    approve: (digest, by) => request(server, '/api/v1/source/approval', postOf({ digest, by }), signal),
    plan: async objects => (await plan(objects)).items,
    watch: (query, until) => streamMessages(server, `/api/v1/watch${search(query)}`, until),
    subscriptions: (key, query) => get(`/api/v1/feeds/${pathOf(key)}/subscriptions`, query),
    preflight: key => get(`/api/v1/feeds/${pathOf(key)}/preflight`),
    calendar: (key, query) => get(`/api/v1/feeds/${pathOf(key)}/calendar`, query),
    ticks: (key, query, until) => streamMessages(server, `/api/v1/feeds/${pathOf(key)}/ticks${search(query)}`, until),
  }
}

type Query = Record<string, string | number | undefined>

function search(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

function pathOf(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

function postOf(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

async function request<T>(server: string, path: string, init: RequestInit, signal: AbortSignal): Promise<T> {
  const what = `${init.method ?? 'GET'} ${path}`
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)])
  try {
    const response = await fetch(`${server.replace(/\/+$/, '')}${path}`, { ...init, signal: limit })
    if (!response.ok) throw await answered(server, what, response)
    return (await response.json()) as T
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof ExitError ? error : unreachable(server, what, error)
  }
}
