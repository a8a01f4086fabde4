import { join } from 'node:path'
import { edit } from '../mainjob/edit.ts'
import type { MonitoringStage } from './stage.ts'

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
