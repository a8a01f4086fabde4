import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../runtime/clock.ts'
import type { SecretValues } from './secret.ts'

/** How long an account's files must have been the same before they count as a new content, in ms. */
export const settleMs = 1000

type Next = { values: SecretValues; isQuiet: boolean; cancel: () => void }
type Settled = { values: SecretValues; next: Next | undefined }

/**
 * Keeps an account that is being rewritten, file after file, from being read half: what differs from what is in use counts once it has
 * been the same for a while. The first content counts at once.
 */
export class Settling {
  readonly #clock: Clock
  readonly #onQuiet: (key: string) => void
  readonly #accounts = new Map<string, Settled>()

  /** `onQuiet` is told of the account, by its key, whose new content may be read. */
  constructor(clock: Clock, onQuiet: (key: string) => void) {
    this.#clock = clock
    this.#onQuiet = onQuiet
  }

  /** What is in use of an account of which this was read: the same object while it is the same. */
  settle(key: string, values: SecretValues): SecretValues {
    const known = this.#accounts.get(key)
    if (!known) return this.#take(key, values)
    if (isDeepStrictEqual(known.values, values)) return this.#take(key, known.values)
    const isNext = isDeepStrictEqual(known.next?.values, values)
    if (isNext && known.next?.isQuiet) return this.#take(key, values)
    if (!isNext) this.#await(key, known, values)
    return known.values
  }

  forget(key: string): void {
    this.#accounts.get(key)?.next?.cancel()
    this.#accounts.delete(key)
  }

  #take(key: string, values: SecretValues): SecretValues {
    this.forget(key)
    this.#accounts.set(key, { values, next: undefined })
    return values
  }

  #await(key: string, known: Settled, values: SecretValues): void {
    known.next?.cancel()
    const next: Next = { values, isQuiet: false, cancel: () => undefined }
    next.cancel = this.#clock.after(settleMs, () => {
      next.isQuiet = true
      this.#onQuiet(key)
    })
    known.next = next
  }
}
