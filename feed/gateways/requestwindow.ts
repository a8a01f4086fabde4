import type { SendResult } from './gateway.ts'

/** Instruments that may be requested and not answered; beyond them a request is answered -2. */
const maxPendingInstruments = 10_000

const loginIntervalMs = 1000

/**
 * What CTP's library checks before it sends: not more instruments pending than it keeps (-2), not more requests a second than the
 * front announced, and one login a second (-3).
 */
export class RequestWindow {
  #requestsPerSecond = Number.POSITIVE_INFINITY
  #pending = 0
  #sent = 0
  #windowFrom = Number.NEGATIVE_INFINITY
  #lastLogin = Number.NEGATIVE_INFINITY

  /** Takes note of a request where it is admitted. `now` is a monotonic time in ms. */
  admit(request: { op: string; instruments?: string[] }, now: number): SendResult {
    if (request.op === 'login') return this.#admitLogin(now)
    const instruments = request.instruments?.length ?? 0
    if (this.#pending + instruments > maxPendingInstruments) return -2
    if (now - this.#windowFrom >= 1000) {
      this.#windowFrom = now
      this.#sent = 0
    }
    if (this.#sent >= this.#requestsPerSecond) return -3
    this.#sent++
    this.#pending += instruments
    return 0
  }

  limit(requestsPerSecond: number): void {
    this.#requestsPerSecond = requestsPerSecond
  }

  answered(instruments: number): void {
    this.#pending = Math.max(0, this.#pending - instruments)
  }

  /** For a new connection. */
  reset(): void {
    this.#pending = 0
    this.#sent = 0
    this.#windowFrom = Number.NEGATIVE_INFINITY
    this.#lastLogin = Number.NEGATIVE_INFINITY
  }

  #admitLogin(now: number): SendResult {
    if (now - this.#lastLogin < loginIntervalMs) return -3
    this.#lastLogin = now
    return 0
  }
}
