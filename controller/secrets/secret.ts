import type { Declared } from '../store/declared.ts'

/** Values of one account, by key (`BROKER_ID`, `PASSWORD`, ...). They go to the feed's files and nowhere else. */
export type SecretValues = Readonly<Record<string, string>>

/**
 * Reads what a `Credentials` points at. Throws a waiting Fault: `SecretMissing` (names the keys that are missing and where they
 * were looked for), `SecretPartial` (some are there: somebody forgot the rest), `SecretUnreadable` (permissions), or a stalled
 * one: `SecretRefused` (a path that leaves the secrets directory, a file that is too large). No error text holds a value.
 */
export type SecretReader = (credentials: Declared<'Credentials'>) => Promise<SecretValues>

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
