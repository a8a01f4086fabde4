import { asFault, type Fault, transient } from '../../../crds/contract/fault.ts'
import type { CredentialsSpec, VaultSource } from '../../../crds/credentials.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock } from '../../runtime/clock.ts'
import { checkComplete, keysOf, type SecretReading } from '../secret.ts'
import { secretOf, type VaultSecret } from './answer.ts'
import { refusalOf } from './fault.ts'
import type { VaultLogin } from './login.ts'
import { callVault, type VaultAnswer, type VaultEndpoint } from './request.ts'

/** Between reads that fail, in ms. */
const pauses = { firstMs: 1000, ceilingMs: 30_000 }

/** How much of `refresh` is left to chance, so that many secrets are not read at once. */
const jitter = 0.2

export type WatchOptions = {
  /** Name of the Credentials, for messages. */
  name: string
  account: CredentialsSpec['account']
  source: VaultSource
  refreshMs: number
  endpoint: () => VaultEndpoint
  login: VaultLogin
  clock: Clock
  random: () => number
  /** The content is another one, or why it cannot be read is. */
  onChange: () => void
  onFailed: (reason: string) => void
  signal: AbortSignal
}

/**
 * One secret in Vault, read again and again. The last content that was read, and was complete, stays in use whatever becomes of Vault: in
 * memory, and nowhere else.
 */
export class VaultWatch {
  readonly #options: WatchOptions
  readonly #closed = new AbortController()
  readonly #signal: AbortSignal
  readonly #first: Promise<void>
  #good: VaultSecret | undefined
  #trouble: Fault | undefined
  /** A token with which this secret may not be read although it was new: another login would change nothing. */
  #forbidden: string | undefined
  #failures = 0
  #isReading = false
  #cancel: () => void = () => undefined

  constructor(options: WatchOptions) {
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#closed.signal])
    this.#first = this.#poll()
  }

  /** What is in use, at once but for the first time. Throws a Fault while nothing was ever read. */
  async reading(): Promise<SecretReading> {
    await this.#first
    const { endsAt: expiresAt } = this.#options.login
    const times = expiresAt === undefined ? {} : { expiresAt }
    if (!this.#good) throw this.#trouble ?? transient('VaultUnreachable', 'the secret is not read any more')
    const { values, version } = this.#good
    return { values, version, ...times, ...(this.#trouble && { trouble: this.#trouble }) }
  }

  /** Something that a failed read rests on may have been mended: it is tried now. */
  hint(): void {
    if (this.#trouble && !this.#isReading && !this.#signal.aborted) this.#schedule(0)
  }

  close(): void {
    this.#closed.abort()
    this.#cancel()
    this.#good = undefined
  }

  async #poll(): Promise<void> {
    const before = { version: this.#good?.version, reason: this.#trouble?.reason }
    this.#isReading = true
    try {
      const secret = await this.#read()
      checkComplete(this.#options, Object.keys(secret.values), keys => `write ${keys.join(', ')} to ${this.#place} in Vault`)
      this.#good = secret
      this.#trouble = undefined
      this.#failures = 0
    } catch (error) {
      if (this.#signal.aborted) return
      this.#trouble = asFault(error)
      this.#failures++
      this.#options.onFailed(this.#trouble.reason)
    } finally {
      this.#isReading = false
    }
    if (this.#signal.aborted) return
    this.#schedule(this.#pauseMs())
    if (before.version !== this.#good?.version || before.reason !== this.#trouble?.reason) this.#options.onChange()
  }

  async #read(): Promise<VaultSecret> {
    const { login, account, endpoint } = this.#options
    const asked = { what: `read ${this.#place}`, address: endpoint().address }
    const token = await login.token()
    const first = await this.#ask(token)
    const answer = first.status === 403 && token !== this.#forbidden ? await this.#askAgain(token, first) : first
    if (answer.status !== 200) throw refusalOf(answer, asked)
    return secretOf(answer, keysOf(account), asked)
  }

  /** A token that has ended is refused as one that lacks the right is: another one tells. */
  async #askAgain(refused: string, first: VaultAnswer): Promise<VaultAnswer> {
    const token = await this.#options.login.replace(refused)
    const answer = token === refused ? first : await this.#ask(token)
    this.#forbidden = answer.status === 403 ? token : undefined
    return answer
  }

  #ask(token: string): Promise<VaultAnswer> {
    const { version } = this.#options.source
    const path = version === undefined ? this.#place : `${this.#place}?version=${version}`
    return callVault(this.#options.endpoint(), { method: 'GET', path, token }, this.#signal)
  }

  get #place(): string {
    const { mount, path } = this.#options.source
    return `${mount}/data/${path}`
  }

  #pauseMs(): number {
    const { refreshMs, random } = this.#options
    if (this.#trouble) return backoffMs(this.#failures, random(), pauses)
    return refreshMs * (1 - jitter / 2 + jitter * random())
  }

  #schedule(delayMs: number): void {
    this.#cancel()
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#poll())
  }
}
