import { type Fault, waiting } from '../../crds/contract/fault.ts'
import type { Declared } from '../store/declared.ts'

/** Values of one account, by key (`BROKER_ID`, `PASSWORD`, ...). They go to the feed's files and nowhere else. */
export type SecretValues = Readonly<Record<string, string>>

/** What a `Credentials` points at, as it is in use. */
export type SecretReading = {
  values: SecretValues
  /** Why they could not be read anew: these are the last ones that could. */
  trouble?: Fault
  /** Version of the values, where their source has any. */
  version?: number
  /** When what they are read with ends (a token) and is not prolonged by itself, in ms since 1970. */
  expiresAt?: number
}

/**
 * Reads what a `Credentials` points at. Throws a waiting Fault: `SecretMissing` (names the keys that are missing and where they
 * were looked for), `SecretPartial` (some are there: somebody forgot the rest), `SecretUnreadable` (permissions), or a stalled
 * one: `SecretRefused` (a path that leaves the secrets directory, a file that is too large). Of a Vault that gave nothing yet also a
 * transient one, `VaultUnreachable` or `VaultAnswerInvalid`, or a waiting one: `VaultSealed`, `VaultForbidden`, `VaultNotFound`,
 * `VaultLoginRefused`, `VaultCertificate`. No error text holds a value.
 */
export type SecretReader = {
  read(credentials: Declared<'Credentials'>): Promise<SecretReading>
  /** The same of Credentials that may never be declared: what is read of the declared ones stays as it is. */
  readAside(credentials: Declared<'Credentials'>): Promise<SecretReading>
  /** These Credentials, `namespace/name`, are no longer declared: nothing of them is kept. */
  forget(key: string): void
}

const accountKeys = {
  ctp: {
    required: [['BROKER_ID'], ['USER_ID'], ['PASSWORD']],
    optional: ['APP_ID', 'AUTH_CODE', 'MD_ADDRESS', 'TD_ADDRESS'],
  },
  nats: {
    required: [
      ['TOKEN', 'PASSWORD'],
      ['TOKEN', 'USER'],
    ],
    optional: [],
  },
} as const satisfies Record<string, { required: readonly (readonly string[])[]; optional: readonly string[] }>

export type AccountType = keyof typeof accountKeys

/** Every key that an account may have. */
export function keysOf(account: AccountType): string[] {
  const { required, optional } = accountKeys[account]
  return [...new Set<string>([...required.flat(), ...optional])]
}

/** Required keys that are not among those present; `TOKEN or PASSWORD` where either will do. */
export function missingKeys(account: AccountType, present: readonly string[]): string[] {
  return accountKeys[account].required
    .filter(choice => !choice.some(key => present.includes(key)))
    .map(choice => choice.join(' or '))
}

/**
 * Throws a waiting Fault, `SecretMissing` or `SecretPartial`, where keys that the account needs are not among those present; `hint` says
 * what to do about the missing ones.
 */
export function checkComplete(
  { name, account }: { name: string; account: AccountType },
  present: readonly string[],
  hint: (keys: string[]) => string,
): void {
  const missing = missingKeys(account, present)
  if (missing.length === 0) return
  const reason = present.length > 0 ? 'SecretPartial' : 'SecretMissing'
  const are = missing.length > 1 ? 'are' : 'is'
  throw waiting(reason, `Credentials ${name}: ${missing.join(', ')} ${are} missing: ${hint(missing)}`)
}
