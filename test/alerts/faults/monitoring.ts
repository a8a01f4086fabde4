import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { feedctl } from '../../mainjob/feedctl.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key, type MonitoringStage } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'

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
]

const preflight = async ({ controller, pushgateway }: MonitoringStage): Promise<number> =>
  (await feedctl(controller.url, 'preflight', key, '--push', pushgateway.url)).code

const secretOf = (manifests: string): string => join(manifests, 'secrets/backup/PASSWORD')
