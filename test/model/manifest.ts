import type { Account } from '../../crds/contract/desired.ts'

/** What a sequence of acts declares of its one feed. */
export type Declaration = {
  image: string
  active: Account
  backup: boolean
  instruments: number
  suspend: boolean
  autoRollback: boolean
  strategy: 'Handover' | 'Recreate'
  retry: string | undefined
  failbackToken: string | undefined
}

export const firstDeclaration: Declaration = {
  ...{ image: 'good-1', active: 'primary', backup: true, instruments: 1, suspend: false, autoRollback: true },
  ...{ strategy: 'Recreate', retry: undefined, failbackToken: undefined },
}

export const feedName = 'f'

const catalogue = 'instruments/cn-derivatives-14246.json.gz'
const instruments = ['SHFE.cu1602', 'SHFE.cu1603', 'SHFE.hc1605', 'SHFE.ni1605', 'SHFE.pb1602']

/** Host, accounts, profile and set: what stays as it is. `host` is the Host's spec. */
export function groundManifest(namespace: string, host: object): string {
  return documents(namespace, [
    ['Host', 'local', {}, host],
    ['Credentials', 'primary', {}, { logins: 2, file: { path: 'primary' } }],
    ['Credentials', 'backup', {}, { logins: 2, file: { path: 'backup' } }],
    ['FeedProfile', 'idle', {}, { gateway: { type: 'simulator' }, calendar: { type: 'always' }, publish: { type: 'none' } }],
    ...instruments.map((_, index): Document => {
      const spec = { catalogue, instruments: instruments.slice(0, index + 1) }
      return ['SubscriptionSet', `set-${index + 1}`, {}, spec]
    }),
  ])
}

/** The feed as declared now. `reference` turns an image's short name into one of the engine's. */
export function feedManifest(namespace: string, declared: Declaration, reference: (image: string) => string): string {
  const { image, active, backup, instruments, suspend, autoRollback, strategy, retry, failbackToken } = declared
  const annotations = {
    ...(retry !== undefined && { 'feedplane.dev/retry': retry }),
    ...(failbackToken !== undefined && { 'feedplane.dev/failback': failbackToken }),
  }
  const spec = {
    ...{ hostRef: 'local', profileRef: 'idle', image: reference(image), subscriptions: [`set-${instruments}`], suspend },
    credentials: { active: backup ? active : 'primary', primary: 'primary', ...(backup && { backup: 'backup' }) },
    rollout: { progressDeadline: '5s', minHealthy: '500ms', autoRollback, strategy },
    container: { memory: '256Mi', stopGrace: '1s' },
  }
  return documents(namespace, [['Feed', feedName, { annotations }, spec]])
}

type Document = [kind: string, name: string, metadata: object, spec: object]

// JSON is YAML.
function documents(namespace: string, all: Document[]): string {
  const texts = all.map(([kind, name, metadata, spec]) =>
    JSON.stringify({ apiVersion: 'feedplane.dev/v1alpha1', kind, metadata: { name, namespace, ...metadata }, spec }),
  )
  return `${texts.join('\n---\n')}\n`
}
