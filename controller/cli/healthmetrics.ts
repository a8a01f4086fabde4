import type { Assessment } from './assessment.ts'
import type { HealthReport } from './healthreport.ts'
import type { PushedMetric } from './pushgateway.ts'

/** What a health check says of feeds, by the older service's names. */
export function healthMetrics({ feeds }: HealthReport): PushedMetric[] {
  const perFeed = (value: (feed: Assessment) => number | undefined) =>
    feeds.flatMap(feed => {
      const found = value(feed)
      return found === undefined ? [] : [{ labels: { feed: feed.feed }, value: found }]
    })
  return [
    {
      ...{
        name: 'md_subscription_coverage_ratio',
        type: 'gauge',
        help: 'Share of the declared instruments that are acknowledged and pushed.',
      },
      samples: perFeed(({ coverage }) => coverage),
    },
    {
      ...{ name: 'md_subscription_missing_total', type: 'untyped', help: 'Instruments neither acknowledged nor refused.' },
      samples: perFeed(({ missing }) => missing),
    },
    {
      ...{ name: 'md_subscription_stalled_total', type: 'untyped', help: 'Instruments silent for too long in open session.' },
      samples: perFeed(({ stalled }) => stalled),
    },
    {
      ...{
        name: 'feed_failover_required',
        type: 'gauge',
        help: '1 where the active account is in trouble and the other one is not.',
      },
      samples: perFeed(({ failoverRequired }) => Number(failoverRequired)),
    },
  ]
}

/** When health was checked last, whatever came of it. */
export function ranAt(at: number): PushedMetric {
  const help = 'When health was checked last.'
  return { name: 'md_health_last_run_timestamp_seconds', type: 'gauge', help, samples: [{ labels: {}, value: at / 1000 }] }
}

/** How the stages of a runbook ended. */
export function exitMetric(runbook: string, stages: [stage: string, code: number][]): PushedMetric {
  const samples = stages.map(([stage, value]) => ({ labels: { runbook, stage }, value }))
  return { name: 'md_runbook_exit_code', type: 'gauge', help: 'Exit status of a stage of a runbook; 0 is good.', samples }
}
