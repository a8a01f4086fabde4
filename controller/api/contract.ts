import type { ResourceEvent } from '../../crds/contract/event.ts'
import type { Condition, Metadata } from '../../crds/contract/resource.ts'
import type { KindName } from '../../crds/kinds.ts'

/**
 * The controller's HTTP port (default 127.0.0.1:9181). It answers questions: whoever wants a change edits the declared YAML. The one thing
 * that no file can say is that most files are gone on purpose: that is `POST /api/v1/source/approval`.
 *
 *     GET  /healthz /readyz /metrics
 *     GET  /sd/feeds                                       Prometheus HTTP service discovery of the feeds
 *     GET  /api/v1/source                                  SourceView
 *     POST /api/v1/source/approval                         body { digest, by }: lets the held deletions of this digest go; answers
 *                                                          { removed: string[] }, or 409 where they are not what is held now
 *     GET  /api/v1/resources?kind=&namespace=&name=        { items: ResourceView[] }
 *     GET  /api/v1/resources/:kind/:namespace/:name        ResourceView, or 404
 *     GET  /api/v1/feeds/:namespace/:name/revisions        { items: RevisionView[] }, newest first
 *     GET  /api/v1/feeds/:namespace/:name/revisions/:from/changes/:to  { items: RevisionChangeView[] }, from the snapshots
 *     GET  /api/v1/events?kind=&key=&limit=                { items: ResourceEvent[] }, oldest first
 *     GET  /api/v1/watch?kind=&key=                        server-sent: `resource` (ResourceView), `event` (ResourceEvent), `deleted`
 *                                                          ({kind, key}); starts with the present state; a comment every 15 s
 *     GET  /api/v1/feeds/:namespace/:name/ticks?instrument=&limit=   server-sent: the feed's own tap, passed on
 *     GET  /api/v1/feeds/:namespace/:name/subscriptions?state=&instrument=&exclude=&account=&limit=&after=&silentAfterSeconds=
 *                                                          SubscriptionsView, the feed's own answer
 *     GET  /api/v1/feeds/:namespace/:name/calendar?days=&at=         CalendarView, the feed's own answer
 *     GET  /api/v1/feeds/:namespace/:name/preflight        PreflightFacts: what the controller sees of fronts, bus, engine and disk
 *     POST /api/v1/plan                                    body { objects: unknown[] } (declared resources as JSON; empty: what is
 *                                                          declared now), answers { items: PlanView[] }; changes nothing
 *
 * Errors are `application/problem+json` (RFC 9457).
 */
export type ResourceView = {
  apiVersion: string
  kind: KindName
  metadata: Metadata & { generation: number }
  spec: Record<string, unknown>
  status: Record<string, unknown> & { conditions?: Condition[]; observedGeneration?: number }
  /** Where it is declared: absolute file, 1-based line. Absent once the declaration is gone. */
  origin?: { file: string; line: number }
}

export type RevisionView = {
  revision: number
  createdAt: number
  /** good: proved itself; failed: rolled back; pending: not proven yet. */
  state: 'pending' | 'good' | 'failed'
  reason?: string
  image: string
  digest: string
  current: boolean
  target: boolean
  /** What differs from the revision before, in words: `image 1.4.1 -> 1.4.2`. */
  changes: string[]
}

/** One input that differs between two revisions; `takes`: a process that runs takes it over (live), or another one is needed. */
export type RevisionChangeView = {
  path: string
  /** As JSON; absent where the revision has no such member. */
  from?: string
  to?: string
  /** Of `live.instruments`: names that came, went, or have other terms. */
  added?: string[]
  removed?: string[]
  changed?: string[]
  takes: 'live' | 'process'
}

export type PlanView = {
  kind: 'Feed' | 'Stack'
  key: string
  /** In order; empty when there is nothing to do. */
  steps: { action: string; target: string; reason: string }[]
  /** How another process takes over, where one is needed, and why so. */
  strategy?: { name: string; reason: string }
  /** Why nothing can be done, where that is so. */
  violations: { reason: string; message: string; path?: string }[]
}

/** What only the controller can see before a feed is started; `error` where a TCP connection, or an answer, could not be had. */
export type PreflightFacts = {
  /** The controller's clock, ms since 1970. */
  at: number
  fronts: { account: string; address: string; error?: string }[]
  /** Servers of the bus that the profile publishes to. */
  servers: { address: string; error?: string }[]
  /** The engine's clock against the controller's, to within a second. */
  engine: { host: string; skewMs: number } | { host: string; error: string }
  /** File system of the controller's state. */
  disk: { availableBytes: number; sizeBytes: number }
}

export type SourceView = {
  type: 'directory'
  location: string
  /** Time of the last complete read, ms since 1970. */
  readAt: number | undefined
  complete: boolean
  /** Feeds that are no longer declared and run on, because they were most of them: until they are back or `digest` is approved. */
  held?: { digest: string; since: number; feeds: string[] }
  problems: { file: string; line: number; column: number; path: string; reason: string; message: string; hint?: string }[]
}

export type { ResourceEvent }
