import { Counter, Gauge, Registry } from 'prom-client'
import type { Account } from '../../crds/contract/desired.ts'
import { fenceStates } from '../../crds/contract/feedstatus.ts'
import type { SessionReport } from '../session/message.ts'
import { coverageOf, unreadyReasons } from './readiness.ts'
import { reportOf } from './report.ts'
import type { Supervisor } from './supervisor.ts'

export type Metrics = { registry: Registry; supervisor: Supervisor; version: string; gauges: Gauges; counters: Counters }

type Gauges = ReturnType<typeof gaugesOf>
type Counters = ReturnType<typeof countersOf>

/** The feed's metrics in a registry of their own. Labels are the account and closed lists, never an instrument. */
export function metricsOf(supervisor: Supervisor, version: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ feed: supervisor.desired.feed })
  return { registry, supervisor, version, gauges: gaugesOf(registry), counters: countersOf(registry) }
}

/** The text of a scrape: what the sessions reported last. */
export async function exposition(metrics: Metrics): Promise<{ type: string; text: string }> {
  metrics.registry.resetMetrics()
  for (const [account, child] of metrics.supervisor.children) {
    metrics.counters.restarts.inc({ account }, child.restarts)
    metrics.counters.replacements.inc({ account }, metrics.supervisor.replacements.get(account) ?? 0)
    if (child.report !== undefined) fillAccount(metrics, account, child.report)
    else if (metrics.supervisor.needs(account)) metrics.gauges.live.set({ account }, 0)
    metrics.gauges.throughput.set({ account }, child.ticksPerSecond)
  }
  fillFeed(metrics)
  return { type: metrics.registry.contentType, text: await metrics.registry.metrics() }
}

function fillFeed({ supervisor, version, gauges, counters }: Metrics): void {
  const report = reportOf(supervisor, version, Date.now())
  gauges.epoch.set(report.epoch)
  gauges.ready.set(unreadyReasons(report, supervisor.active).length === 0 ? 1 : 0)
  gauges.marketOpen.set(report.market.open ? 1 : 0)
  gauges.failoverRequired.set(supervisor.isFailoverRequired ? 1 : 0)
  gauges.overridden.set(report.override === undefined ? 0 : 1)
  if (report.fence) for (const state of fenceStates) gauges.fence.set({ state }, report.fence.state === state ? 1 : 0)
  counters.failovers.inc(supervisor.failovers.count)
  counters.gaps.inc(supervisor.gaps)
  for (const { account, group, count } of supervisor.tickWatch.stalls.values()) counters.stalls.inc({ account, group }, count)
  for (const { group, silenceMs } of supervisor.tickWatch.sights)
    for (const account of ['primary', 'backup'] as const)
      if (silenceMs[account] !== undefined) gauges.silence.set({ account, group }, silenceMs[account] / 1000)
}

function fillAccount(
  { gauges, counters }: Metrics,
  account: Account,
  { status, publisher, counters: counted, memoryBytes }: SessionReport,
): void {
  const { subscriptions } = status
  for (const state of ['desired', 'acknowledged', 'ticking', 'rejected'] as const)
    gauges.subscriptions.set({ account, state }, subscriptions[state])
  gauges.coverage.set({ account }, coverageOf(status))
  gauges.missing.set({ account }, subscriptions.desired - subscriptions.acknowledged - subscriptions.rejected)
  gauges.live.set({ account }, status.state === 'live' ? 1 : 0)
  gauges.gateOpen.set({ account }, status.gate === 'open' ? 1 : 0)
  gauges.lastTick.set({ account }, (status.lastTickAt ?? 0) / 1000)
  gauges.memory.set({ account }, memoryBytes)
  gauges.startup.set({ account }, counted.startupMs / 1000)
  gauges.connected.set({ account }, publisher.connected ? 1 : 0)
  gauges.backlog.set({ account }, publisher.queued + publisher.outstanding)
  gauges.latencyP50.set({ account }, publisher.latencyMs.p50 / 1000)
  gauges.latencyP99.set({ account }, publisher.latencyMs.p99 / 1000)
  counters.received.inc({ account }, status.received)
  counters.published.inc({ account }, status.published)
  counters.dropped.inc({ account }, publisher.dropped)
  counters.conflated.inc({ account }, publisher.conflated)
  counters.resent.inc({ account }, publisher.resent)
  counters.snapshots.inc({ account }, counted.snapshots)
  counters.duplicates.inc({ account }, counted.duplicates)
  counters.stale.inc({ account }, counted.stale)
  counters.unknown.inc({ account }, counted.unknown)
  counters.reconnects.inc({ account }, counted.reconnects)
  counters.rateLimitHits.inc({ account }, counted.rateLimitHits)
  for (const [component, count] of Object.entries(counted.errors)) counters.errors.inc({ account, component }, count)
}

function gaugesOf(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  return {
    epoch: gauge('md_epoch', 'Epoch in force.'),
    ready: gauge('md_ready', '1 where the feed serves what is desired.'),
    marketOpen: gauge('md_market_open', '1 while any subscribed instrument is in session.'),
    failoverRequired: gauge(
      'md_failover_required',
      '1 while the active account lacks ticks that the other has, or any, for the threshold.',
    ),
    overridden: gauge('md_override_active', "1 while the watchdog's choice of account holds."),
    fence: gauge('md_fence_state', '1 for how the process holds its epoch on the bus; deposed: another process has it.', 'state'),
    throughput: gauge('md_throughput_ticks_per_second', 'Ticks received in the last second.', 'account'),
    subscriptions: gauge('md_subscriptions', 'Instruments by what has become of their subscription.', 'account', 'state'),
    coverage: gauge('md_subscription_coverage_ratio', 'Acknowledged subscriptions over those that were not refused.', 'account'),
    missing: gauge('md_subscriptions_missing', 'Subscriptions neither acknowledged nor refused.', 'account'),
    live: gauge('md_session_live', '1 where the session is logged in and subscribed; none of a cold standby.', 'account'),
    gateOpen: gauge('md_gate_open', '1 where the account publishes.', 'account'),
    lastTick: gauge('md_last_tick_timestamp_seconds', 'Receive time of the newest fresh tick.', 'account'),
    silence: gauge(
      'md_group_silence_seconds',
      'Trading time since the newest fresh tick of a group in session.',
      'account',
      'group',
    ),
    memory: gauge('md_session_memory_bytes', 'Resident set of the session process.', 'account'),
    startup: gauge('md_session_startup_duration_seconds', 'From the start of a session to its last acknowledgement.', 'account'),
    connected: gauge(
      'md_publisher_connected',
      '1 where the session is connected to the bus, and that takes what is sent.',
      'account',
    ),
    backlog: gauge('md_publisher_backlog_ticks', 'Ticks queued, and sent but not acknowledged.', 'account'),
    latencyP50: gauge('md_publish_latency_p50_seconds', 'Gateway to bus, median over 10 s.', 'account'),
    latencyP99: gauge('md_publish_latency_p99_seconds', 'Gateway to bus, 99th percentile over 10 s.', 'account'),
  }
}

function countersOf(registry: Registry) {
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers: [registry] })
  return {
    failovers: counter('md_failovers_total', 'Flips of the gate from one account to the other.'),
    gaps: counter('md_gaps_total', 'Recorded gaps.'),
    stalls: counter('md_group_stalls_total', 'Times that a group was silent for the threshold.', 'account', 'group'),
    replacements: counter('md_session_replacements_total', 'Session processes replaced because they grew.', 'account'),
    restarts: counter('md_session_restarts_total', 'Session processes started again.', 'account'),
    received: counter('md_ticks_received_total', 'Pushes of the front.', 'account'),
    published: counter('md_ticks_published_total', 'Ticks through the gate.', 'account'),
    dropped: counter('md_ticks_dropped_total', 'Ticks that the publisher took and lost.', 'account'),
    conflated: counter('md_ticks_conflated_total', 'Ticks replaced by newer ones under pressure.', 'account'),
    resent: counter('md_publish_retries_total', 'Messages sent to the bus again.', 'account'),
    snapshots: counter('md_snapshots_total', 'First pushes after a subscription.', 'account'),
    duplicates: counter('md_ticks_duplicate_total', 'Pushes that repeated the one before.', 'account'),
    stale: counter('md_ticks_stale_total', 'Pushes older than what was published before a take-over or a reconnect.', 'account'),
    unknown: counter('md_ticks_unwanted_total', 'Pushes of instruments that are not subscribed.', 'account'),
    reconnects: counter('md_reconnects_total', 'Connections lost after the login.', 'account'),
    rateLimitHits: counter('md_rate_limit_hits_total', 'Requests that the front refused as too fast.', 'account'),
    errors: counter('md_errors_total', 'Errors by component.', 'account', 'component'),
  }
}
