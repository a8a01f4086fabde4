import { keyedDigestOf } from '../../../crds/contract/digest.ts'
import { asFault, type Fault } from '../../../crds/contract/fault.ts'
import type { Status } from '../../../crds/kinds.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Result } from '../../runtime/result.ts'
import type { SecretReader, SecretReading } from '../../secrets/secret.ts'
import type { Declared } from '../../store/declared.ts'
import type { NewEvent } from '../../store/event.ts'
import type { Store } from '../../store/store.ts'
import { conditionsOf, isTrue, type NewCondition } from '../condition.ts'

type Ports = {
  clock: Clock
  store: Store
  secrets: SecretReader
  onEvent: (event: NewEvent) => void
  onStatus: (key: string) => void
}

type CredentialsStatus = Status<'Credentials'>

/** Credentials are Ready when every key that the account needs can be read. The status names keys, never values. */
export async function reconcileCredentials(key: string, { clock, store, secrets, onEvent, onStatus }: Ports): Promise<Result> {
  const declared = store.declared.get('Credentials', key)
  if (!declared) {
    secrets.forget(key)
    store.status.remove('Credentials', key)
    return { type: 'gone' }
  }
  const before = store.status.get('Credentials', key) ?? {}
  const look = await lookAt(declared, secrets)
  const now = clock.now()
  const status: CredentialsStatus = {
    source: sourceText(declared),
    ...contentMembers(look.reading, before, store.installation.digestKey, now),
    conditions: conditionsOf(conditionsFor(look), before.conditions, now, declared.generation),
    observedGeneration: declared.generation,
  }
  if (!store.status.put('Credentials', key, status)) return { type: 'done' }
  for (const note of notesOf(before, status)) onEvent({ at: now, kind: 'Credentials', key, ...note })
  onStatus(key)
  return { type: 'done' }
}

/** What is in use, and why it, or nothing, could not be read anew. */
type Look = { reading?: SecretReading; trouble?: Fault }

async function lookAt(declared: Declared<'Credentials'>, secrets: SecretReader): Promise<Look> {
  try {
    const reading = await secrets.read(declared)
    return { reading, ...(reading.trouble && { trouble: reading.trouble }) }
  } catch (error) {
    return { trouble: asFault(error) }
  }
}

/** Of what could not be read the digest stays, so that a rotation behind a Vault that was away is noticed. */
function contentMembers(reading: SecretReading | undefined, before: CredentialsStatus, key: Buffer, now: number) {
  const { contentDigest: was, rotatedAt } = before
  const contentDigest = reading ? keyedDigestOf(key, reading.values) : was
  const isRotated = was !== undefined && contentDigest !== was
  const times = isRotated ? { rotatedAt: new Date(now).toISOString() } : rotatedAt === undefined ? {} : { rotatedAt }
  return {
    keys: Object.keys(reading?.values ?? {}).sort(),
    ...(reading?.version !== undefined && { version: reading.version }),
    ...(contentDigest !== undefined && { contentDigest }),
    ...times,
    ...(reading?.expiresAt !== undefined && { expiresAt: new Date(reading.expiresAt).toISOString() }),
  }
}

function conditionsFor({ reading, trouble }: Look): NewCondition[] {
  if (!trouble) {
    const message = `found ${Object.keys(reading?.values ?? {})
      .sort()
      .join(', ')}`
    return [{ type: 'Ready', status: 'True', reason: 'SecretsRead', message }]
  }
  const { reason } = trouble
  const message = reading ? `${trouble.message}; what was read last stays in use` : trouble.message
  // What may end by itself is tried again; all else waits for somebody.
  const type = trouble.class === 'transient' ? 'Reconciling' : 'Stalled'
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type, status: 'True', reason, message },
  ]
}

function notesOf(
  before: CredentialsStatus,
  { contentDigest, conditions }: CredentialsStatus,
): Pick<NewEvent, 'type' | 'reason' | 'message'>[] {
  const notes: Pick<NewEvent, 'type' | 'reason' | 'message'>[] = []
  const ready = conditions?.find(({ type }) => type === 'Ready')
  const was = before.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status === 'False' && ready.reason !== was?.reason)
    notes.push({ type: 'Warning', reason: ready.reason, message: ready.message })
  if (ready?.status === 'True' && was && !isTrue(before.conditions, 'Ready'))
    notes.push({ type: 'Normal', reason: 'SecretsRead', message: 'the secrets can be read again' })
  if (before.contentDigest !== undefined && before.contentDigest !== contentDigest)
    notes.push({
      type: 'Normal',
      reason: 'SecretsRotated',
      message: 'the content is another one: feeds take it over by a rollout',
    })
  return notes
}

function sourceText({ resource: { spec } }: Declared<'Credentials'>): string {
  const { env, file, vault } = spec
  if (vault) return `vault ${vault.address} ${vault.mount}/${vault.path}`
  return env ? `environment ${env.prefix}*` : `files ${file?.path}`
}
