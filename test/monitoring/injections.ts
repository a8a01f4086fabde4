import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { edit } from '../mainjob/edit.ts'
import { feedctl } from '../mainjob/feedctl.ts'
import { until } from '../services/deadline.ts'
import { key, type MonitoringStage } from './stage.ts'

/** A fault of the running system, and the alerts that it must lead to. */
export type Injection = {
  fault: string
  /** Those that must reach the webhook; what they explain is left out by the Alertmanager. */
  alerts: [string, ...string[]]
  inject(stage: MonitoringStage): Promise<unknown>
  /** Takes the cause away. */
  mend(stage: MonitoringStage): Promise<unknown>
}

/** Also part of `npm test`: one of the market, of the controller, of the declaration and of a rollout. */
export const representative: Injection[] = [
  {
    fault: 'the simulator stops ticking for both accounts',
    alerts: ['FeedplaneFeedStale', 'FeedplaneFailoverRequired'],
    inject: ({ order }) => order({ stall: { all: true } }),
    mend: ({ order }) => order({ resume: true }),
  },
  {
    fault: 'a line that is no YAML is added to the file of the profile',
    alerts: ['FeedplaneSourceInvalid'],
    inject: async ({ manifests }) => edit(join(manifests, 'profile.yaml'), /$/, '\n  ]\n'),
    mend: async ({ manifests }) => edit(join(manifests, 'profile.yaml'), '\n  ]\n', ''),
  },
  {
    fault: 'an image that ends at once is declared',
    alerts: ['FeedplaneRolledBack'],
    inject: async ({ feedFile }) => edit(feedFile, /image: \S+/, 'image: feedplane/feed:broken'),
    mend: async ({ feedFile }) => edit(feedFile, /image: \S+/, 'image: feedplane/feed:1.0'),
  },
  {
    fault: 'the controller is stopped',
    alerts: ['FeedplaneControllerDown'],
    inject: ({ controller }) => controller.stop(),
    mend: ({ controller }) => controller.start(),
  },
]

export const others: Injection[] = [
  {
    fault: 'the backup account is declared the active one',
    alerts: ['FeedplaneFailedOver'],
    inject: async ({ feedFile }) => edit(feedFile, 'active: primary', 'active: backup'),
    mend: async ({ feedFile }) => edit(feedFile, 'active: backup', 'active: primary'),
  },
  {
    fault: 'the simulator stops ticking for the standby account',
    alerts: ['FeedplaneStandbyUnhealthy'],
    inject: ({ order }) => order({ stall: { user: 'backup' } }),
    mend: ({ order }) => order({ resume: true }),
  },
  {
    fault: 'the simulator stops ticking for the account that publishes',
    alerts: ['FeedplaneWatchdogOverride'],
    inject: ({ order }) => order({ stall: { user: 'primary' } }),
    async mend({ order, controller }) {
      await order({ resume: true })
      await feedctl(controller.url, 'failback', key, '--wait')
    },
  },
  {
    fault: 'NATS is killed',
    alerts: ['FeedplaneBusAway'],
    inject: ({ nats }) => nats.kill(),
    mend: ({ nats }) => nats.restart(),
  },
  {
    fault: 'the session that publishes is killed three times',
    alerts: ['FeedplaneSessionRestarting', 'FeedplaneGaps'],
    inject: async ({ killSession }) => {
      for (let times = 0; times < 3; times++) await killSession('primary')
    },
    mend: async ({ controller }) => feedctl(controller.url, 'failback', key, '--wait'),
  },
  {
    fault: 'the front cuts the connection of one account five times',
    alerts: ['FeedplaneReconnecting'],
    async inject({ order, report }) {
      for (let times = 0; times < 5; times++) {
        await order({ cut: { user: 'backup' } })
        const isBack = async () => (await report()).sessions.every(({ state }) => state === 'live')
        await until('the session to be cut', async () => !(await isBack()))
        await until('the session to be back', isBack, 60_000)
      }
    },
    mend: () => Promise.resolve(),
  },
  {
    fault: 'the front loses every acknowledgement, and cuts all connections',
    alerts: ['FeedplaneCoverageLow'],
    async inject({ order }) {
      await order({ loseAcknowledgements: {} })
      await order({ cut: { all: true } })
    },
    async mend({ order }) {
      await order({ clear: 'loseAcknowledgements' })
      await order({ cut: { all: true } })
    },
  },
  {
    fault: "one secret of the backup account's is taken away",
    alerts: ['FeedplaneAccountRefused'],
    inject: async ({ manifests }) => renameSync(secretOf(manifests), `${secretOf(manifests)}~`),
    mend: async ({ manifests }) => renameSync(`${secretOf(manifests)}~`, secretOf(manifests)),
  },
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
    fault: 'the folder of declarations is moved away',
    alerts: ['FeedplaneSourceUnreadable'],
    inject: async ({ manifests }) => renameSync(manifests, `${manifests}~`),
    mend: async ({ manifests }) => renameSync(`${manifests}~`, manifests),
  },
  {
    fault: "the feed's process is stopped (SIGSTOP)",
    alerts: ['FeedplaneFeedDown'],
    inject: async ({ signalFeed }) => signalFeed('SIGSTOP'),
    mend: async ({ signalFeed }) => signalFeed('SIGCONT'),
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
    fault: 'a service of a stack is declared whose health check fails',
    alerts: ['FeedplaneStackServiceDown'],
    inject: async ({ manifests }) => declareStack(manifests),
    mend: async ({ manifests }) => rmSync(join(manifests, 'stack.yaml')),
  },
  {
    fault: 'the Pushgateway is stopped (SIGSTOP)',
    alerts: ['FeedplaneTargetDown'],
    inject: async ({ pushgateway }) => pushgateway.freeze(),
    mend: async ({ pushgateway }) => pushgateway.thaw(),
  },
]

/** Its container goes with its declaration. */
function declareStack(manifests: string): void {
  const project = `fp-test-${randomBytes(4).toString('hex')}`
  const unwell = {
    ...{ image: 'busybox:1.36', command: ['sleep', '1000'], init: true },
    healthcheck: { test: ['CMD', 'false'], interval: '1s', retries: 1 },
  }
  writeFileSync(join(manifests, 'stack.compose'), JSON.stringify({ services: { unwell } }))
  const metadata = (name: string) => `apiVersion: feedplane.dev/v1alpha1\nmetadata: {name: ${name}, namespace: quickstart}\n`
  const spec = `{hostRef: engine, project: ${project}, files: [stack.compose], deletionPolicy: Remove}`
  writeFileSync(
    join(manifests, 'stack.yaml'),
    `${metadata('engine')}kind: Host\nspec: {engine: {type: docker}}\n---\n${metadata('services')}kind: Stack\nspec: ${spec}\n`,
  )
}

const preflight = async ({ controller, pushgateway }: MonitoringStage): Promise<number> =>
  (await feedctl(controller.url, 'preflight', key, '--push', pushgateway.url)).code

const secretOf = (manifests: string): string => join(manifests, 'secrets/backup/PASSWORD')
