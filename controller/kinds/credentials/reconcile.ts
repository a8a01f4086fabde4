import { asFault } from '../../../crds/contract/fault.ts'
import type { Status } from '../../../crds/kinds.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Result } from '../../runtime/result.ts'
import type { SecretReader } from '../../secrets/secret.ts'
import type { Declared } from '../../store/declared.ts'
import type { Store } from '../../store/store.ts'
import { conditionsOf, type NewCondition } from '../condition.ts'

type Ports = { clock: Clock; store: Store; secrets: SecretReader; onStatus: (key: string) => void }

/** Credentials are Ready when every key that the account needs can be read. The status names keys, never values. */
export async function reconcileCredentials(key: string, { clock, store, secrets, onStatus }: Ports): Promise<Result> {
  const declared = store.declared.get('Credentials', key)
  if (!declared) {
    store.status.remove('Credentials', key)
    return { type: 'gone' }
  }
  const { conditions, keys } = await look(declared, secrets)
  const status: Status<'Credentials'> = {
    source: sourceText(declared),
    keys,
    conditions: conditionsOf(conditions, store.status.get('Credentials', key)?.conditions, clock.now(), declared.generation),
    observedGeneration: declared.generation,
  }
  if (store.status.put('Credentials', key, status)) onStatus(key)
  return { type: 'done' }
}

async function look(
  declared: Declared<'Credentials'>,
  secrets: SecretReader,
): Promise<{ conditions: NewCondition[]; keys: string[] }> {
  try {
    const keys = Object.keys(await secrets(declared)).sort()
    return { keys, conditions: [{ type: 'Ready', status: 'True', reason: 'SecretsRead', message: `found ${keys.join(', ')}` }] }
  } catch (error) {
    const { reason, message } = asFault(error)
    const stalled: NewCondition = { type: 'Stalled', status: 'True', reason, message }
    return { keys: [], conditions: [{ type: 'Ready', status: 'False', reason, message }, stalled] }
  }
}

function sourceText({ resource: { spec } }: Declared<'Credentials'>): string {
  return spec.env ? `environment ${spec.env.prefix}*` : `files ${spec.file?.path}`
}
