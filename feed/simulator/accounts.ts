import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { stalled } from '../../crds/contract/fault.ts'
import type { FrontError } from '../gateways/gateway.ts'
import { frontErrors } from '../gateways/message.ts'

const accountsSchema = z.array(
  z.strictObject({
    BROKER_ID: z.string(),
    USER_ID: z.string().min(1),
    PASSWORD: z.string(),
    locked: z.boolean().default(false).meta({ description: 'Refused with error 75.' }),
  }),
)

export type AccountEntry = z.input<typeof accountsSchema>[number]

/** Wrong passwords in a row after which an account is locked, for the life of the simulator. */
const lockedAfter = 5

/** Reads the accounts file: a JSON array of `{BROKER_ID, USER_ID, PASSWORD, locked?}`. */
export async function readAccounts(file: string): Promise<AccountEntry[]> {
  try {
    return accountsSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error)
    throw stalled('AccountsInvalid', `accounts file ${file}: ${why}`, error)
  }
}

/** Who may log in. Without entries anybody may, except with an empty user or password. */
export class Accounts {
  readonly #entries: Map<string, AccountEntry> | undefined
  readonly #failures = new Map<string, number>()

  constructor(entries?: AccountEntry[]) {
    this.#entries = entries && new Map(entries.map(entry => [`${entry.BROKER_ID}/${entry.USER_ID}`, entry]))
  }

  /** As the broker does it: sessions that are logged in stay, and a lock of this run ends. Throws where there is no such account. */
  changePassword(brokerId: string, userId: string, password: string): void {
    const key = `${brokerId}/${userId}`
    const entry = this.#entries?.get(key)
    if (entry === undefined) throw new Error(`there is no account ${key}`)
    this.#entries?.set(key, { ...entry, PASSWORD: password })
    this.#failures.delete(key)
  }

  /** The error that refuses this login, or nothing. Counts failures towards the lock. */
  refusal(brokerId: string, userId: string, password: string): FrontError | undefined {
    if (this.#entries === undefined) return userId === '' || password === '' ? frontErrors.invalidLogin : undefined
    const key = `${brokerId}/${userId}`
    const entry = this.#entries.get(key)
    if (entry === undefined) return frontErrors.invalidLogin
    const failures = this.#failures.get(key) ?? 0
    if (entry.locked || failures >= lockedAfter) return frontErrors.locked
    this.#failures.set(key, entry.PASSWORD === password ? 0 : failures + 1)
    return entry.PASSWORD === password ? undefined : frontErrors.invalidLogin
  }
}
