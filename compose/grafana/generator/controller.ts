import type { Dashboard } from './panel.ts'

/** The controller: what it does, what it cannot, and what it stands on. */
export const controller: Dashboard = {
  uid: 'feedplane-controller',
  title: 'Feedplane: controller',
  description: 'Reconciliation, declared files, engines, credentials and the process itself.',
  variables: [],
  panels: [
    {
      title: 'Mistakes',
      description: 'In declared files and between declared objects.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'max by (severity) (feedplane_source_problems)', legend: '{{severity}}' }],
      colours: [
        { from: 0, colour: 'green' },
        { from: 1, colour: 'orange' },
      ],
    },
    {
      title: 'Deletions held',
      description: 'Feeds that are no longer declared and run on: feedctl approve.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'max(feedplane_source_held_deletions)', legend: 'feeds' }],
      colours: [
        { from: 0, colour: 'green' },
        { from: 1, colour: 'orange' },
      ],
    },
    {
      title: 'Engines',
      description: 'Whether the engine of a host answers.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'min by (namespace, name) (feedplane_host_ready)', legend: '{{namespace}}/{{name}}' }],
      words: { 0: 'away', 1: 'answers' },
    },
    {
      title: 'Credentials',
      description: 'Whether every secret of an account can be read.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'min by (namespace, name) (feedplane_credentials_ready)', legend: '{{namespace}}/{{name}}' }],
      words: { 0: 'no', 1: 'yes' },
    },
    {
      title: 'Conditions',
      description: 'Those of feeds that hold.',
      ...{ type: 'state-timeline', unit: 'short', width: 24 },
      queries: [
        {
          expr: 'max by (namespace, feed, type) (feedplane_feed_condition{status="True"})',
          legend: '{{namespace}}/{{feed}} {{type}}',
        },
      ],
      words: { 0: ' ', 1: 'True' },
    },
    {
      title: 'Stacks',
      description: 'Services of Stacks: whether each runs as declared and its health check passes.',
      ...{ type: 'state-timeline', unit: 'short', width: 24 },
      queries: [
        {
          expr: 'min by (namespace, name, service) (feedplane_stack_service_ready)',
          legend: '{{namespace}}/{{name}} {{service}}',
        },
      ],
      words: { 0: 'not well', 1: 'well' },
    },
    {
      title: 'Looks',
      description: 'Reconciliations a second, by kind and result. A converged system looks and writes nothing.',
      ...{ type: 'timeseries', unit: 'ops', width: 12 },
      queries: [{ expr: 'sum by (kind, result) (rate(feedplane_reconcile_total[1m]))', legend: '{{kind}} {{result}}' }],
    },
    {
      title: 'Duration of a look, p99',
      description: 'By kind.',
      ...{ type: 'timeseries', unit: 's', width: 12 },
      queries: [
        {
          expr: 'histogram_quantile(0.99, sum by (kind, le) (rate(feedplane_reconcile_duration_seconds_bucket[5m])))',
          legend: '{{kind}}',
        },
      ],
    },
    {
      title: 'Queue',
      description: 'Keys that are ready for long mean that every worker is busy.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [{ expr: 'max by (state) (feedplane_queue_keys)', legend: '{{state}}' }],
    },
    {
      title: 'Writes',
      description: 'Steps carried out, and calls that changed something on an engine, in five minutes. They go back to zero.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [
        { expr: 'sum by (action) (increase(feedplane_steps_total[5m]))', legend: 'step {{action}}' },
        { expr: 'sum by (host, call) (increase(feedplane_engine_calls_total{mode="write"}[5m]))', legend: '{{host}} {{call}}' },
      ],
    },
    {
      title: 'Events',
      description: 'Warnings in five minutes, by reason; docs/reference/conditions.md has each.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [{ expr: 'sum by (reason) (increase(feedplane_events_total{type="Warning"}[5m]))', legend: '{{reason}}' }],
    },
    {
      title: 'Memory',
      description: 'Resident set of the controller.',
      ...{ type: 'timeseries', unit: 'bytes', width: 12 },
      queries: [{ expr: 'max(feedplane_process_resident_memory_bytes)', legend: 'resident' }],
    },
    {
      title: 'Event loop',
      description: 'Lag, 99th percentile.',
      ...{ type: 'timeseries', unit: 's', width: 12 },
      queries: [{ expr: 'max(feedplane_nodejs_eventloop_lag_p99_seconds)', legend: 'p99' }],
    },
    {
      title: 'Disk',
      description: 'Share that is left where the controller keeps its state.',
      ...{ type: 'timeseries', unit: 'percentunit', width: 12 },
      queries: [{ expr: 'min(feedplane_disk_available_bytes / feedplane_disk_size_bytes)', legend: 'left' }],
    },
  ],
}
