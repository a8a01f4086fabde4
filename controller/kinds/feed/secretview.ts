import { digestOf, keyedDigestOf } from '../../../crds/contract/digest.ts'
import { asFault } from '../../../crds/contract/fault.ts'
import type { SecretValues } from '../../secrets/secret.ts'
import type { Declared } from '../../store/declared.ts'
import type { FeedMemory } from '../../store/memory.ts'
import type { FeedInput, SecretOwner, SecretView } from './input.ts'
import type { ReadPorts } from './ports.ts'

/**
 * Reads the secrets of all accounts, for their keyed digests. Where a Vault gives nothing now, a secret of the same source counts as the one
 * that was read of it last: what runs has it with itself, and need not stop for that.
 */
export async function viewSecrets(
  credentials: FeedInput['credentials'],
  { secrets: known = {} }: FeedMemory,
  { secrets, store }: ReadPorts,
): Promise<FeedInput['secrets']> {
  const view = async (owner: SecretOwner, declared: Declared<'Credentials'>): Promise<SecretView> => {
    const source = sourceOf(declared)
    try {
      const { values, trouble } = await secrets.read(declared)
      const digest = digestOfValues(store.installation.digestKey, values)
      return { digest, ...(source !== undefined && { source }), ...(trouble && { trouble }) }
    } catch (error) {
      const fault = asFault(error)
      const before = known[owner]
      const isSame = source !== undefined && before?.source === source
      return isSame ? { digest: before.digest, trouble: fault, isAssumed: true } : { fault }
    }
  }
  const owners = Object.entries(credentials) as [SecretOwner, Declared<'Credentials'>][]
  return Object.fromEntries(await Promise.all(owners.map(async ([owner, declared]) => [owner, await view(owner, declared)])))
}

const digests = new WeakMap<SecretValues, { key: Buffer; digest: string }>()

/** Computed once for what was read once. */
function digestOfValues(key: Buffer, values: SecretValues): string {
  const known = digests.get(values)
  if (known?.key === key) return known.digest
  const digest = keyedDigestOf(key, values)
  digests.set(values, { key, digest })
  return digest
}

/** The memory with what was read of Vaults now; of what could not be read it keeps what it has. */
export function rememberSecrets({ secrets: before = {}, ...memory }: FeedMemory, views: FeedInput['secrets']): FeedMemory {
  const entries = Object.entries(views).flatMap(([owner, view]) => {
    if (!view || !('digest' in view) || view.source === undefined) {
      const kept = before[owner]
      return kept && view ? [[owner, kept] as const] : []
    }
    return [[owner, { source: view.source, digest: view.digest }] as const]
  })
  return entries.length > 0 ? { ...memory, secrets: Object.fromEntries(entries) } : memory
}

/** Which secret of which Vault is meant, as a digest; `undefined` of what lies on this machine, and is there or is not. */
function sourceOf({ resource: { spec } }: Declared<'Credentials'>): string | undefined {
  if (!spec.vault) return undefined
  const { address, namespace, mount, path, version } = spec.vault
  return digestOf({ account: spec.account, address, namespace, mount, path, version })
}
