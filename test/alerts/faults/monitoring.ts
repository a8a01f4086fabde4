import { renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { edit } from '../../mainjob/edit.ts'
import { feedctl } from '../../mainjob/feedctl.ts'
import { isFiring } from '../../monitoring/alertcase.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key, type MonitoringStage } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'
import type { Prometheus } from '../../services/prometheus.ts'

/** Of the monitoring itself, runbooks and disks. */
export const monitoringFaults: Injection[] = [
  {
    fault: 'a pre-flight finds one secret of the backup account gone',
    alerts: ['FeedplanePreflightNoGo'],
    async inject(stage) {
      renameSync(secretOf(stage.manifests), `${secretOf(stage.manifests)}~`)
      await until('a no-go', async () => (await preflight(stage)) === 1)
    },
    async mend(stage) {
      renameSync(`${secretOf(stage.manifests)}~`, secretOf(stage.manifests))
      await until('a go', async () => (await preflight(stage)) === 0)
    },
  },
  {
    fault: 'a runbook pushes an exit code that is not 0',
    alerts: ['FeedplaneRunbookFailed'],
    inject: ({ push }) => push('md_runbook_exit_code{runbook="session-start",stage="ready"} 3'),
    mend: ({ push }) => push('md_runbook_exit_code{runbook="session-start",stage="ready"} 0'),
  },
  {
    fault: 'a session start pushes that it was late',
    alerts: ['FeedplaneCheckpointMissed'],
    inject: ({ push }) => push('md_t5_checkpoint_status{window="day"} 0'),
    mend: ({ push }) => push('md_t5_checkpoint_status{window="day"} 1'),
  },
  {
    fault: 'the Pushgateway is stopped (SIGSTOP)',
    alerts: ['FeedplaneTargetDown'],
    inject: async ({ pushgateway }) => pushgateway.freeze(),
    mend: async ({ pushgateway }) => pushgateway.thaw(),
  },
  {
    fault: 'targets of the namespace are dropped in the configuration of Prometheus',
    alerts: ['FeedplaneFeedNotScraped'],
    inject: async ({ prometheus }) => reconfigure(prometheus, feedsJob, `${feedsJob}${droppedTargets}`),
    mend: async ({ prometheus }) => reconfigure(prometheus, droppedTargets, ''),
  },
  {
    fault: 'a rule of somebody else is added that matches many to many',
    alerts: ['FeedplaneRulesFailing'],
    async inject({ prometheus }) {
      const rule = { record: 'own:up', expr: 'up * on () up' }
      writeFileSync(ownRules(prometheus), JSON.stringify({ groups: [{ name: 'own', rules: [rule] }] }))
      prometheus.reload()
    },
    async mend({ prometheus }) {
      rmSync(ownRules(prometheus))
      prometheus.reload()
    },
  },
  {
    fault: 'the webhook refuses an alert, and those after it',
    alerts: ['FeedplaneNotificationsFailing', 'FeedplaneRunbookFailed'],
    async inject(stage) {
      stage.webhook.refuse(true)
      await stage.push('md_runbook_exit_code{runbook="session-start",stage="ready"} 3')
      await until('the failure to be known', () => isFiring(stage, 'FeedplaneNotificationsFailing'))
      stage.webhook.refuse(false)
    },
    mend: ({ push }) => push('md_runbook_exit_code{runbook="session-start",stage="ready"} 0'),
  },
  {
    fault: "the disk of the controller's state, and of the feed, is filled to 95 %",
    alerts: ['FeedplaneFeedDiskNearlyFull', 'FeedplaneStateDiskNearlyFull'],
    inject: async ({ state }) => fill(state),
    mend: async ({ state }) => rmSync(join(state, 'filling')),
  },
  {
    fault: 'the health check does not run any more, twenty minutes ago for the last time',
    alerts: ['FeedplaneHealthCheckStale'],
    inject: ({ push }) => push(`md_health_last_run_timestamp_seconds ${Date.now() / 1000 - 1200}`),
    mend: ({ controller, pushgateway }) => feedctl(controller.url, 'health', '--push', pushgateway.url),
  },
]

const feedsJob = 'job_name: feedplane-feeds'
const droppedTargets = '\n    relabel_configs: [{action: drop, source_labels: [namespace], regex: quickstart}]'

/** Prometheus takes it over while it runs. */
function reconfigure(prometheus: Prometheus, from: string, to: string): void {
  edit(join(prometheus.folder, 'prometheus.yml'), from, to)
  prometheus.reload()
}

const ownRules = ({ folder }: Prometheus): string => join(folder, 'rules/own.yml')

function fill(folder: string): void {
  const { bsize, blocks, bavail } = statfsSync(folder)
  writeFileSync(join(folder, 'filling'), Buffer.alloc(bsize * Math.floor(bavail - 0.05 * blocks)))
}

const preflight = async ({ controller, pushgateway }: MonitoringStage): Promise<number> =>
  (await feedctl(controller.url, 'preflight', key, '--push', pushgateway.url)).code

const secretOf = (manifests: string): string => join(manifests, 'secrets/backup/PASSWORD')
