import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startVaultStandin, type VaultStandin } from '../../../controller/secrets/vault/standin.ts'
import { steadyMs } from '../../../feed/session/connection.ts'
import { edit, save } from '../../mainjob/edit.ts'
import { feedctl } from '../../mainjob/feedctl.ts'
import { sumOf } from '../../mainjob/sample.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'

/** Of sessions, fronts and credentials. */
export const accountsFaults: Injection[] = [
  {
    fault: 'the session that publishes is killed three times',
    alerts: ['FeedplaneSessionRestarting'],
    inject: async ({ killSession }) => {
      for (let times = 0; times < 3; times++) await killSession('primary')
    },
    mend: async ({ controller }) => feedctl(controller.url, 'failback', key, '--wait'),
  },
  {
    fault: 'the front cuts the connection of one account five times',
    alerts: ['FeedplaneReconnecting'],
    async inject({ order, report }) {
      // From then on its pauses are short again, and five losses are within the window.
      const isSteady = async () => (await report()).sessions.every(({ since }) => Date.now() - since > steadyMs)
      await until('the session to be steady', isSteady)
      for (let times = 0; times < 5; times++) {
        const isBack = async () => (await report()).sessions.every(({ state }) => state === 'live')
        await until('the session to be back', isBack)
        await order({ cut: { user: 'backup' } })
        await until('the session to be cut', async () => !(await isBack()))
      }
    },
    mend: () => Promise.resolve(),
  },
  {
    fault: 'the front refuses all requests as too fast, and cuts the standby account',
    alerts: ['FeedplaneRateLimited'],
    inject: ({ order }) => order({ flowControl: { all: true }, cut: { user: 'backup' } }),
    mend: ({ order }) => order({ clear: 'flowControl' }),
  },
  {
    fault: 'a bound is declared that the sessions outgrow',
    alerts: ['FeedplaneSessionGrows'],
    async inject({ feedFile, controller }) {
      await controller.settle(key, () => edit(feedFile, /\n {2}rollout:/, `\n  ${lowBound}$&`))
      const isReplaced = async () => (await controller.events(key)).some(({ reason }) => reason === 'SessionGrows')
      await until('a session to be old enough to be replaced', isReplaced, 60_000)
    },
    mend: async ({ feedFile, controller }) => controller.settle(key, () => edit(feedFile, `${lowBound}\n  `, '')),
  },
  {
    fault: "one secret of the backup account's is taken away",
    alerts: ['FeedplaneCredentialsUnready'],
    inject: async ({ manifests }) => renameSync(secretOf(manifests), `${secretOf(manifests)}~`),
    mend: async ({ manifests }) => renameSync(`${secretOf(manifests)}~`, secretOf(manifests)),
  },
  {
    fault: "one secret of the backup account's is away for some looks, and there again",
    alerts: ['FeedplaneCredentialsReadErrors'],
    async inject({ manifests, controller }) {
      const failed = async () => sumOf(await controller.metrics(), 'feedplane_credentials_read_errors_total')
      const before = await failed()
      renameSync(secretOf(manifests), `${secretOf(manifests)}~`)
      await until('some looks', async () => (await failed()) >= before + 8)
      renameSync(`${secretOf(manifests)}~`, secretOf(manifests))
    },
    mend: () => Promise.resolve(),
  },
  {
    fault: 'the front refuses the password of the backup account',
    alerts: ['FeedplaneAccountRefused'],
    inject: ({ order }) => order({ refuseLogins: { user: 'backup', errorId: 3 }, cut: { user: 'backup' } }),
    async mend({ order, controller }) {
      await order({ acceptLogins: true })
      await feedctl(controller.url, 'retry', key, '--wait')
    },
  },
  tokenThatEnds(),
]

const lowBound = "container: {env: {FEEDPLANE_SESSION_MEMORY_MB: '40'}}"

const secretOf = (manifests: string): string => join(manifests, 'secrets/backup/PASSWORD')

/** Nobody can renew the token of a Vault; another one is put in its place. */
function tokenThatEnds(): Injection {
  let vault: VaultStandin | undefined
  return {
    fault: 'the token with which a Vault is read ends within the hour',
    alerts: ['FeedplaneCredentialsExpiring'],
    async inject({ manifests }) {
      vault = await startVaultStandin()
      vault.put('secret/ctp', { BROKER_ID: '9999', USER_ID: 'backup', PASSWORD: 'of-no-use' })
      save(join(manifests, 'secrets/token'), vault.issue({ ttlS: 3600, isRenewable: false }))
      save(join(manifests, 'vault.yaml'), credentialsIn(vault))
    },
    async mend({ manifests, prometheus }) {
      save(join(manifests, 'secrets/token'), vault?.issue({ ttlS: 30 * 86_400, isRenewable: false }) ?? '')
      await until('the end of the other token', async () => (await prometheus.query(`${expiry} - time() > 86400`)).length > 0)
      rmSync(join(manifests, 'vault.yaml'))
      await until('the Credentials to be gone', async () => (await prometheus.query(expiry)).length === 0)
      await vault?.stop()
    },
  }
}

const expiry = 'feedplane_credentials_expiry_timestamp_seconds'

const credentialsIn = ({ address }: VaultStandin): string => `apiVersion: feedplane.dev/v1alpha1
kind: Credentials
metadata: {name: vaulted, namespace: quickstart}
spec: {vault: {address: '${address}', mount: secret, path: ctp, auth: {token: {file: token}}, refresh: 1s}}
`
