import { type Dashboard, matchers, type Panel } from './panel.ts'

const variables = ['namespace', 'feed']
const of = (more = ''): string => `{${matchers(variables)}${more}}`

const stat = (title: string, description: string, metric: string, words?: Record<number, string>): Panel => ({
  ...{ title, description, type: 'stat', unit: 'short', width: 6 },
  queries: [{ expr: `max by (feed) (${metric}${of()})`, legend: title }],
  ...(words && { words }),
})

const perAccount = (title: string, description: string, metric: string, unit: Panel['unit']): Panel => ({
  ...{ title, description, unit, type: 'timeseries', width: 12 },
  queries: [{ expr: `max by (account) (${metric}${of()})`, legend: '{{account}}' }],
})

/** One feed, with both of its accounts. */
export const feed: Dashboard = {
  uid: 'feedplane-feed',
  title: 'Feedplane: one feed',
  description: 'A feed and its two accounts: sessions, subscriptions, ticks, latency, losses.',
  variables,
  panels: [
    stat('Ready', 'Whether it serves what is desired.', 'md_ready', { 0: 'no', 1: 'yes' }),
    stat('Market', "The feed's calendar.", 'md_market_open', { 0: 'closed', 1: 'open' }),
    stat('Epoch', 'Grows with each move of the gate.', 'md_epoch'),
    stat('Watchdog', 'Whether its choice of account holds against the declared one.', 'md_override_active', {
      0: 'as declared',
      1: 'has moved the gate',
    }),
    {
      title: 'Gate',
      description: 'Which account publishes.',
      ...{ type: 'state-timeline', unit: 'short', width: 12 },
      queries: [{ expr: `max by (account) (md_gate_open${of()})`, legend: '{{account}}' }],
      words: { 0: 'closed', 1: 'open' },
    },
    {
      title: 'Login',
      description: 'Whether the session is logged in and subscribed.',
      ...{ type: 'state-timeline', unit: 'short', width: 12 },
      queries: [{ expr: `max by (account) (md_session_live${of()})`, legend: '{{account}}' }],
      words: { 0: 'not live', 1: 'live' },
    },
    perAccount(
      'Coverage',
      'Acknowledged over those that the front does not refuse.',
      'md_subscription_coverage_ratio',
      'percentunit',
    ),
    {
      title: 'Subscriptions',
      description: 'Instruments by what has become of their subscription.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [{ expr: `max by (account, state) (md_subscriptions${of()})`, legend: '{{account}} {{state}}' }],
    },
    {
      title: 'Ticks',
      description: 'Received and published a second.',
      ...{ type: 'timeseries', unit: 'ops', width: 12 },
      queries: [
        { expr: `sum by (account) (rate(md_ticks_received_total${of()}[1m]))`, legend: '{{account}} received' },
        { expr: `sum by (account) (rate(md_ticks_published_total${of()}[1m]))`, legend: '{{account}} published' },
      ],
    },
    {
      title: 'Silence',
      description: 'Trading time since the newest tick of each group in session. None outside.',
      ...{ type: 'timeseries', unit: 's', width: 12 },
      queries: [
        { expr: `max by (account, group) (md_group_silence_seconds${of()})`, legend: '{{account}} {{group}}' },
        { expr: `max by (feed) (md_watchdog_threshold_seconds${of()})`, legend: 'threshold' },
      ],
    },
    {
      title: 'Latency',
      description: 'From the gateway to the bus.',
      ...{ type: 'timeseries', unit: 's', width: 12 },
      queries: [
        { expr: `max by (account) (md_publish_latency_p50_seconds${of()})`, legend: '{{account}} p50' },
        { expr: `max by (account) (md_publish_latency_p99_seconds${of()})`, legend: '{{account}} p99' },
      ],
    },
    perAccount('Publishing queue', 'Ticks queued, and sent but not acknowledged.', 'md_publisher_backlog_ticks', 'short'),
    {
      title: 'Losses',
      description: 'Within five minutes.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [
        { expr: `sum by (feed) (increase(md_gaps_total${of()}[5m]))`, legend: 'gaps' },
        { expr: `sum by (feed) (increase(md_ticks_dropped_total${of()}[5m]))`, legend: 'dropped' },
        { expr: `sum by (feed) (increase(md_ticks_conflated_total${of()}[5m]))`, legend: 'conflated' },
      ],
    },
    {
      title: 'Trouble with the front',
      description: 'Lost connections, sessions started again, requests refused as too fast, within 15 minutes.',
      ...{ type: 'timeseries', unit: 'short', width: 12 },
      queries: [
        { expr: `sum by (account) (increase(md_reconnects_total${of()}[15m]))`, legend: '{{account}} reconnects' },
        { expr: `sum by (account) (increase(md_session_restarts_total${of()}[15m]))`, legend: '{{account}} restarts' },
        { expr: `sum by (account) (increase(md_rate_limit_hits_total${of()}[15m]))`, legend: '{{account}} too fast' },
      ],
    },
    perAccount('Memory', 'Resident set of the session process.', 'md_session_memory_bytes', 'bytes'),
    {
      title: 'Failover',
      description: 'Trading time of the last one, from the order to the first tick of the new account.',
      ...{ type: 'timeseries', unit: 's', width: 12 },
      queries: [{ expr: `max by (feed) (md_failover_latency_seconds${of()})`, legend: 'latency' }],
    },
  ],
}
