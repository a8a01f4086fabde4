import type { SendResult } from './gateway.ts'

/** Instruments that may be requested and not answered; beyond them a request is answered -2. */
export const maxPendingInstruments = 10_000

/** After so long a request is taken for lost: what no answer names must not shut the window for ever. As long as subscriptions wait before they ask again. */
export const lostAfterMs = 10_000

const loginIntervalMs = 1000

/**
 * What CTP's library checks before it sends: not more instruments pending than it keeps (-2), not more requests a second than the
 * front announced, and one login a second (-3).
 */
export class RequestWindow {
  #requestsPerSecond = Number.POSITIVE_INFINITY
  /** When each was asked for last, the oldest first. */
  readonly #pending = new Map<string, number>()
  #sent = 0
  #windowFrom = Number.NEGATIVE_INFINITY
  #lastLogin = Number.NEGATIVE_INFINITY

  /** Takes note of a request where it is admitted. `now` is a monotonic time in ms. */
  admit(request: { op: string; instruments?: string[] }, now: number): SendResult {
    if (request.op === 'login') return this.#admitLogin(now)
    const instruments = request.instruments ?? []
    this.#forgetLost(now)
    const added = instruments.filter(name => !this.#pending.has(name)).length
    if (this.#pending.size + added > maxPendingInstruments) return -2
    if (now - this.#windowFrom >= 1000) {
      this.#windowFrom = now
      this.#sent = 0
    }
    if (this.#sent >= this.#requestsPerSecond) return -3
    this.#sent++
    for (const name of instruments) {
      this.#pending.delete(name)
      this.#pending.set(name, now)
    }
    return 0
  }

  limit(requestsPerSecond: number): void {
    this.#requestsPerSecond = requestsPerSecond
  }

  answered(instruments: string[]): void {
    for (const name of instruments) this.#pending.delete(name)
  }

  /** For a new connection. */
  reset(): void {
    this.#pending.clear()
    this.#sent = 0
    this.#windowFrom = Number.NEGATIVE_INFINITY
    this.#lastLogin = Number.NEGATIVE_INFINITY
  }

  #forgetLost(now: number): void {
    for (const [name, askedAt] of this.#pending) {
      if (now - askedAt < lostAfterMs) return
      this.#pending.delete(name)
    }
  }

  #admitLogin(now: number): SendResult {
    if (now - this.#lastLogin < loginIntervalMs) return -3
    this.#lastLogin = now
    return 0
  }
}
