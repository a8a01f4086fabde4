import * as z from 'zod'
import { stalled } from '../../../crds/contract/fault.ts'
import type { SecretValues } from '../secret.ts'
import { type Asked, invalidAnswer } from './fault.ts'
import type { VaultAnswer } from './request.ts'

/** A token and for how long it is good, in s; 0 is without an end. */
export type Lease = { token: string; ttlS: number; isRenewable: boolean }

/** A version of a secret, of what it holds under the keys that an account has. */
export type VaultSecret = { version: number; values: SecretValues }

const authSchema = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().min(0), renewable: z.boolean() }),
})

const tokenSchema = z.object({ data: z.object({ ttl: z.number().min(0), renewable: z.boolean().optional() }) })

const secretSchema = z.object({
  data: z.object({ data: z.record(z.string(), z.unknown()), metadata: z.object({ version: z.int() }) }),
})

/** A password is short; what is longer is some other thing. */
const maxValueBytes = 64 * 1024

/** What a login, or the renewal of a token, gives. Throws a transient Fault `VaultAnswerInvalid`. */
export function leaseOf({ body }: VaultAnswer, asked: Asked): Lease {
  const { data } = authSchema.safeParse(body)
  if (!data) throw invalidAnswer(asked)
  const { client_token: token, lease_duration: ttlS, renewable: isRenewable } = data.auth
  return { token, ttlS, isRenewable }
}

/** What Vault says of a token that somebody else issued. Batch tokens have no `renewable` and cannot be renewed. */
export function ownLeaseOf({ body }: VaultAnswer, token: string, asked: Asked): Lease {
  const { data } = tokenSchema.safeParse(body)
  if (!data) throw invalidAnswer(asked)
  return { token, ttlS: data.data.ttl, isRenewable: data.data.renewable ?? false }
}

/** The keys' values in an answer of KV v2. Throws `VaultAnswerInvalid`, or a stalled Fault `SecretRefused` for what is no text. */
export function secretOf({ body }: VaultAnswer, keys: readonly string[], asked: Asked): VaultSecret {
  const { data } = secretSchema.safeParse(body)
  if (!data) throw invalidAnswer(asked)
  const { data: content, metadata } = data.data
  const values = keys.flatMap(key => {
    const value = content[key]
    return value === undefined || value === '' ? [] : [[key, textOf(key, value)] as const]
  })
  return { version: metadata.version, values: Object.fromEntries(values) }
}

function textOf(key: string, value: unknown): string {
  if (typeof value !== 'string') throw stalled('SecretRefused', `${key} is no text in Vault: put it in quotes`)
  if (Buffer.byteLength(value) > maxValueBytes)
    throw stalled('SecretRefused', `${key} is longer than ${maxValueBytes} bytes: this is no secret`)
  return value
}
