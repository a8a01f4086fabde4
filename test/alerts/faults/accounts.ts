import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { feedctl } from '../../mainjob/feedctl.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'

/** Of sessions, fronts and credentials. */
export const accountsFaults: Injection[] = [
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
    fault: "one secret of the backup account's is taken away",
    alerts: ['FeedplaneAccountRefused'],
    inject: async ({ manifests }) => renameSync(secretOf(manifests), `${secretOf(manifests)}~`),
    mend: async ({ manifests }) => renameSync(`${secretOf(manifests)}~`, secretOf(manifests)),
  },
]

const secretOf = (manifests: string): string => join(manifests, 'secrets/backup/PASSWORD')
