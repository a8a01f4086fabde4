import { statfs } from 'node:fs/promises'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Status } from '../crds/kinds.ts'
import { isTrue } from './kinds/condition.ts'
import { drillMetrics } from './kinds/failoverdrill/metrics.ts'
import { stackMetrics } from './kinds/stack/metrics.ts'
import type { Store } from './store/store.ts'

/** Gauges that prom-client names as counters, which promtool refuses; the same figures are there by type. */
const misnamed = ['handles', 'requests', 'resources'].map(what => `feedplane_nodejs_active_${what}_total`)

/** The controller's own metrics. Names, units and labels are documented in `docs/reference/metrics.md`. */
export function controllerMetrics(version: string) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'feedplane_' })
  for (const name of misnamed) registry.removeSingleMetric(name)
  const registers = [registry]
  const info = new Gauge({
    name: 'feedplane_build_info',
    help: 'Version of the controller; always 1.',
    labelNames: ['version'],
    registers,
  })
  info.set({ version }, 1)
  const reconciles = new Counter({
    name: 'feedplane_reconcile_total',
    help: 'Reconciliations by kind and result.',
    labelNames: ['kind', 'result'],
    registers,
  })
  // One that hangs in its first look has counted none: the alert needs a series to see that.
  reconciles.inc({ kind: 'Feed', result: 'done' }, 0)
  return {
    registry,
    drills: drillMetrics(registry),
    stacks: stackMetrics(registry),
    reconciles,
    reconcileSeconds: new Histogram({
      name: 'feedplane_reconcile_duration_seconds',
      help: 'Duration of reconciliations.',
      labelNames: ['kind'],
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    }),
    queue: new Gauge({ name: 'feedplane_queue_keys', help: 'Keys in the queue by state.', labelNames: ['state'], registers }),
    engineCalls: new Counter({
      name: 'feedplane_engine_calls_total',
      help: 'Calls to engines by call, mode (read or write) and result.',
      labelNames: ['host', 'call', 'mode', 'result'],
      registers,
    }),
    feedWrites: new Counter({
      name: 'feedplane_feed_writes_total',
      help: 'Desired states pushed to feeds.',
      labelNames: ['namespace', 'feed', 'result'],
      registers,
    }),
    steps: new Counter({
      name: 'feedplane_steps_total',
      help: 'Planned steps that were carried out, by action.',
      labelNames: ['action'],
      registers,
    }),
    events: new Counter({
      name: 'feedplane_events_total',
      help: 'Events by kind, type and reason.',
      labelNames: ['kind', 'type', 'reason'],
      registers,
    }),
    sourceProblems: new Gauge({
      name: 'feedplane_source_problems',
      help: 'Problems in declared files and between declared objects, by severity.',
      labelNames: ['severity'],
      registers,
    }),
    sourceComplete: new Gauge({
      name: 'feedplane_source_complete',
      help: 'Whether the whole source could be read at the last look.',
      registers,
    }),
    heldDeletions: new Gauge({
      name: 'feedplane_source_held_deletions',
      help: 'Feeds that are no longer declared and run on until their deletion is approved.',
      registers,
    }),
    sourceRead: new Gauge({
      name: 'feedplane_source_last_read_timestamp_seconds',
      help: 'Time of the newest look at the source that changed anything.',
      registers,
    }),
    conditions: new Gauge({
      name: 'feedplane_feed_condition',
      help: 'Conditions of feeds: 1 for the status that holds.',
      labelNames: ['namespace', 'feed', 'type', 'status'],
      registers,
    }),
    preflightGo: new Gauge({
      name: 'feedplane_preflight_go',
      help: '0 while a live feed is not started because a check before the start fails; absent otherwise.',
      labelNames: ['namespace', 'feed'],
      registers,
    }),
    hostReady: new Gauge({
      name: 'feedplane_host_ready',
      help: '1 where the engine of a host answers.',
      labelNames: ['namespace', 'name'],
      registers,
    }),
    diskAvailable: new Gauge({
      name: 'feedplane_disk_available_bytes',
      help: "Room on the file system of the controller's state.",
      registers,
    }),
    diskSize: new Gauge({
      name: 'feedplane_disk_size_bytes',
      help: "Size of the file system of the controller's state.",
      registers,
    }),
    revision: new Gauge({
      name: 'feedplane_feed_revision',
      help: 'Revision that serves.',
      labelNames: ['namespace', 'feed'],
      registers,
    }),
    credentialsReady: new Gauge({
      name: 'feedplane_credentials_ready',
      help: 'Whether every secret of the Credentials can be read now.',
      labelNames: ['namespace', 'name'],
      registers,
    }),
    credentialsExpiry: new Gauge({
      name: 'feedplane_credentials_expiry_timestamp_seconds',
      help: 'When the token ends with which their Vault is asked, where that is known and nothing prolongs it.',
      labelNames: ['namespace', 'name'],
      registers,
    }),
    credentialsRotated: new Gauge({
      name: 'feedplane_credentials_rotated_timestamp_seconds',
      help: 'When their content was last seen to be another one.',
      labelNames: ['namespace', 'name'],
      registers,
    }),
    credentialsReadErrors: new Counter({
      name: 'feedplane_credentials_read_errors_total',
      help: 'Reads of secrets that failed, by reason.',
      labelNames: ['namespace', 'name', 'reason'],
      registers,
    }),
    epoch: new Gauge({
      name: 'feedplane_feed_epoch',
      help: 'Epoch that publishes.',
      labelNames: ['namespace', 'feed'],
      registers,
    }),
  }
}

export type ControllerMetrics = ReturnType<typeof controllerMetrics>

const tracked = ['Ready', 'Reconciling', 'Stalled', 'Stopped', 'RolledBack', 'FailedOver', 'CredentialsReady', 'SourceValid']

/** Shows the conditions of one feed; a condition that is not there counts as False. */
export function showFeed(
  metrics: ControllerMetrics,
  key: string,
  status:
    | {
        conditions?: { type: string; status: string; reason: string }[] | undefined
        revision?: number | undefined
        epoch?: number | undefined
      }
    | undefined,
): void {
  const [namespace = '', feed = ''] = key.split('/')
  for (const type of tracked) {
    const holds = status?.conditions?.find(condition => condition.type === type)?.status ?? 'False'
    for (const value of ['True', 'False', 'Unknown']) {
      if (status) metrics.conditions.set({ namespace, feed, type, status: value }, value === holds ? 1 : 0)
      else metrics.conditions.remove({ namespace, feed, type, status: value })
    }
  }
  const isNoGo = status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'PreflightNoGo')
  showNumber(metrics.preflightGo, { namespace, feed }, isNoGo ? 0 : undefined)
  showNumber(metrics.revision, { namespace, feed }, status?.revision)
  showNumber(metrics.epoch, { namespace, feed }, status?.epoch)
}

/** Shows what is read at each scrape and not told when it changes: the hosts, as they were seen last, and the room for the state. */
export async function showSurroundings(metrics: ControllerMetrics, store: Store, stateDirectory: string): Promise<void> {
  metrics.hostReady.reset()
  for (const { resource } of store.declared.list('Host')) {
    const { namespace, name } = resource.metadata
    const ready = store.status.get('Host', `${namespace}/${name}`)?.conditions?.find(({ type }) => type === 'Ready')
    if (ready) metrics.hostReady.set({ namespace, name }, ready.status === 'True' ? 1 : 0)
  }
  const { bsize, blocks, bavail } = await statfs(stateDirectory)
  metrics.diskAvailable.set(bavail * bsize)
  metrics.diskSize.set(blocks * bsize)
}

/** Shows one Credentials; those that are gone have no series. */
export async function showCredentials(
  metrics: ControllerMetrics,
  key: string,
  status: Status<'Credentials'> | undefined,
): Promise<void> {
  const [namespace = '', name = ''] = key.split('/')
  const labels = { namespace, name }
  showNumber(metrics.credentialsReady, labels, status && (isTrue(status.conditions, 'Ready') ? 1 : 0))
  showNumber(metrics.credentialsExpiry, labels, secondsOf(status?.expiresAt))
  showNumber(metrics.credentialsRotated, labels, secondsOf(status?.rotatedAt))
  if (status) return
  const { values } = await metrics.credentialsReadErrors.get()
  for (const { labels: its } of values)
    if (its.namespace === namespace && its.name === name) metrics.credentialsReadErrors.remove(its)
}

const secondsOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time) / 1000)

function showNumber(gauge: Gauge, labels: Record<string, string>, value: number | undefined): void {
  if (value === undefined) gauge.remove(labels)
  else gauge.set(labels, value)
}
