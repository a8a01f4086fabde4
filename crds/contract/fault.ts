/**
 * The three classes of failure that a reconciler, a session and an operator tell apart (ARCHITECTURE section 4):
 *
 * - `transient`: try again later, with back-off (a refused connection, a timeout).
 * - `waiting`: nothing to do until something that is named happens (a missing profile, a locked account's hold time).
 * - `stalled`: only a change of input helps (a bad password, an image that does not exist).
 */
export type FaultClass = 'transient' | 'waiting' | 'stalled'

/** An error with a class, a machine-readable reason in CamelCase (a condition's `reason`) and a sentence for an operator. */
export class Fault extends Error {
  readonly class: FaultClass
  readonly reason: string

  constructor(faultClass: FaultClass, reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'Fault'
    this.class = faultClass
    this.reason = reason
  }
}

/** A failure that a later try may not meet. */
export function transient(reason: string, message: string, cause?: unknown): Fault {
  return new Fault('transient', reason, message, { cause })
}

/** A failure that ends when the named thing happens. */
export function waiting(reason: string, message: string, cause?: unknown): Fault {
  return new Fault('waiting', reason, message, { cause })
}

/** A failure that only a change of input ends. */
export function stalled(reason: string, message: string, cause?: unknown): Fault {
  return new Fault('stalled', reason, message, { cause })
}

/** Any thrown value as a Fault: an unknown error is transient, with its own message. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  return transient('UnexpectedError', error instanceof Error ? error.message : String(error), error)
}
