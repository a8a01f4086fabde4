import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waiting } from '../../crds/contract/fault.ts'
import type { AccountSecrets } from '../gateways/gateway.ts'

/** A secret value is a word or a line, not a file. */
const maxSecretBytes = 64 * 1024
const required = ['BROKER_ID', 'USER_ID', 'PASSWORD'] as const
const known = [...required, 'APP_ID', 'AUTH_CODE', 'MD_ADDRESS'] as const

/**
 * Reads an account's secrets, one file a value; a newline at the end of a file is not part of it.
 * Throws a waiting Fault `SecretMissing` that names what is not there, never what is.
 */
export async function readAccountSecrets(directory: string): Promise<AccountSecrets> {
  const values: Partial<Record<(typeof known)[number], string>> = {}
  const present = new Set(await list(directory))
  for (const key of known) if (present.has(key)) values[key] = await readValue(join(directory, key))
  const missing = required.filter(key => !values[key])
  if (missing.length > 0) throw waiting('SecretMissing', `the account lacks the secrets ${missing.join(', ')}`)
  return values as AccountSecrets
}

const busKeys = ['TOKEN', 'USER', 'PASSWORD'] as const

/** Reads the bus's secrets; none where the directory does not exist. */
export async function readBusSecrets(directory: string): Promise<Partial<Record<(typeof busKeys)[number], string>>> {
  const present = new Set(await readdir(directory).catch(() => []))
  const values: Partial<Record<(typeof busKeys)[number], string>> = {}
  for (const key of busKeys) if (present.has(key)) values[key] = await readValue(join(directory, key))
  return values
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    throw waiting('SecretMissing', "the directory of the account's secrets cannot be read", error)
  }
}

async function readValue(path: string): Promise<string> {
  const value = await readFile(path, 'utf8')
  if (value.length > maxSecretBytes) throw waiting('SecretTooLong', `a secret is longer than ${maxSecretBytes} bytes`)
  return value.replace(/\r?\n$/, '')
}
