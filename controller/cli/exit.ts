/** What feedctl's exit status means, for scripts (docs/feedctl.md). */
export const exitCodes = {
  ok: 0,
  /** Differences, invalid input, or not ready: stalled or rolled back. */
  negative: 1,
  /** Wrong usage, an unreachable controller, or a defect of ours. */
  trouble: 2,
  timeout: 3,
  /** Understood and not done: it would do harm, or there is nothing to do it with. */
  refused: 4,
  interrupted: 130,
} as const

/** What `feedctl session` exits with where a stage fails; also the values of `md_runbook_exit_code`. */
export const stageCodes = {
  environment: 10,
  stack: 11,
  preflight: 12,
  feeds: 13,
  ready: 14,
  checkpoint: 15,
  closed: 16,
  archive: 17,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes] | (typeof stageCodes)[keyof typeof stageCodes]

/** An end of a verb with words for the operator: what happened, and in `hint` what to do about it. */
export class ExitError extends Error {
  readonly code: ExitCode
  readonly hint: string | undefined

  constructor(code: ExitCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'ExitError'
    this.code = code
    this.hint = options.hint
  }
}

export function trouble(message: string, hint?: string, cause?: unknown): ExitError {
  return new ExitError(exitCodes.trouble, message, { ...(hint !== undefined && { hint }), cause })
}

export function refused(message: string, hint?: string): ExitError {
  return new ExitError(exitCodes.refused, message, hint === undefined ? {} : { hint })
}
