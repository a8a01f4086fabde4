import type { Dashboard } from './panel.ts'

const perFeed = '{{namespace}}/{{feed}}'

/** All feeds of an environment: what a screen on the wall shows. */
export const fleet: Dashboard = {
  uid: 'feedplane-fleet',
  title: 'Feedplane: fleet',
  description: 'All feeds: coverage, throughput, refusals, which account publishes, latency and backlog.',
  variables: [],
  panels: [
    {
      title: 'Alerts that fire',
      description: 'Each has a page in docs/runbooks.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'count(ALERTS{alertstate="firing"}) or vector(0)', legend: 'alerts' }],
      colours: [
        { from: 0, colour: 'green' },
        { from: 1, colour: 'red' },
      ],
    },
    {
      title: 'Ready',
      description: 'Feeds that serve what is declared, by the controller.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [
        { expr: 'sum(feedplane_feed_condition{type="Ready",status="True"})', legend: 'ready' },
        { expr: 'count(feedplane_feed_condition{type="Ready",status="True"})', legend: 'declared' },
      ],
    },
    {
      title: 'In session',
      description: 'Subscribed instruments in continuous trading.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'feed:md_instruments_in_session:max', legend: perFeed }],
    },
    {
      title: 'Last runbooks',
      description: 'How the stages of session commands and health checks ended; 0 is good.',
      ...{ type: 'stat', unit: 'short', width: 6 },
      queries: [{ expr: 'max by (runbook, stage) (md_runbook_exit_code)', legend: '{{runbook}} {{stage}}' }],
      colours: [
        { from: 0, colour: 'green' },
        { from: 1, colour: 'red' },
      ],
    },
    {
      title: 'Coverage',
      description:
        'Acknowledged subscriptions of the account that publishes, over those that the front does not refuse; feed by time.',
      ...{ type: 'status-history', unit: 'percentunit', width: 24 },
      queries: [{ expr: 'feed:md_subscription_coverage_ratio:publishing', legend: perFeed }],
      colours: [
        { from: 0, colour: 'red' },
        { from: 0.95, colour: 'orange' },
        { from: 0.995, colour: 'green' },
      ],
    },
    {
      title: 'Account that publishes',
      description: 'A change is a failover.',
      ...{ type: 'state-timeline', unit: 'short', width: 12 },
      queries: [
        {
          expr: 'max by (namespace, feed) (md_gate_open{account="primary"} == 1 or 2 * (md_gate_open{account="backup"} == 1))',
          legend: perFeed,
        },
      ],
      words: { 1: 'primary', 2: 'backup' },
    },
    {
      title: 'Session',
      description: 'By the calendar, auctions included.',
      ...{ type: 'state-timeline', unit: 'short', width: 12 },
      queries: [{ expr: 'feed:md_market_open:max', legend: perFeed }],
      words: { 0: 'closed', 1: 'open' },
    },
    {
      title: 'Throughput',
      description: 'Ticks published a second.',
      ...{ type: 'timeseries', unit: 'ops', width: 12 },
      queries: [{ expr: 'feed:md_ticks_published:rate1m', legend: perFeed }],
    },
    {
      title: 'Rate-limit incidents',
      description: 'Requests that a front refused as too fast, in five minutes.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [{ expr: 'sum by (namespace, feed) (increase(md_rate_limit_hits_total[5m]))', legend: perFeed }],
    },
    {
      title: 'Latency, p99',
      description: 'From the gateway to the bus, of the account that publishes.',
      ...{ type: 'timeseries', unit: 's', width: 12 },
      queries: [{ expr: 'feed:md_publish_latency_p99_seconds:publishing', legend: perFeed }],
    },
    {
      title: 'Publishing queue',
      description: 'Ticks queued, and sent but not acknowledged.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [{ expr: 'sum by (namespace, feed) (md_publisher_backlog_ticks)', legend: perFeed }],
    },
    {
      title: 'Consumer backlog',
      description: 'Messages that a consumer was not given yet. It must not jump at a failover.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [{ expr: 'max by (stream, consumer) (md_consumer_backlog_messages)', legend: '{{stream}} {{consumer}}' }],
    },
    {
      title: 'Streams',
      description: 'Share of their bytes that is used.',
      ...{ type: 'timeseries', unit: 'percentunit', width: 12 },
      queries: [{ expr: 'max by (stream) (md_stream_bytes) / max by (stream) (md_stream_limit_bytes)', legend: '{{stream}}' }],
    },
    {
      title: 'Failovers',
      description: 'Flips of the gate within an hour, and how long the last one took.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [
        { expr: 'sum by (namespace, feed) (increase(md_failovers_total[1h]))', legend: `${perFeed} flips` },
        { expr: 'max by (namespace, feed) (md_failover_latency_seconds)', legend: `${perFeed} seconds` },
      ],
    },
    {
      title: 'Losses',
      description: 'Gaps that were recorded, ticks that were dropped or conflated, in five minutes.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [
        { expr: 'sum by (namespace, feed) (increase(md_gaps_total[5m]))', legend: `${perFeed} gaps` },
        { expr: 'sum by (namespace, feed) (increase(md_ticks_dropped_total[5m]))', legend: `${perFeed} dropped` },
        { expr: 'sum by (namespace, feed) (increase(md_ticks_conflated_total[5m]))', legend: `${perFeed} conflated` },
      ],
    },
  ],
}
