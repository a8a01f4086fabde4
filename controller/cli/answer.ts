import { ExitError, exitCodes, refused, trouble } from './exit.ts'

/** Time that the controller has for one answer. */
export const answerTimeoutMs = 15_000

/** The words for a controller that does not answer. */
export function unreachable(server: string, what: string, cause: unknown): ExitError {
  return trouble(
    `the controller does not answer at ${server} (tried ${what}: ${causeOf(cause)})`,
    'start it with `npm run controller`, or name another with --server URL or FEEDPLANE_SERVER',
    cause,
  )
}

/** Whether an error says that nothing answers, rather than that the answer was no. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof ExitError && error.code === exitCodes.trouble && error.message.startsWith('the controller does not answer')
  )
}

/** The words for an answer that is an error (RFC 9457, or whatever a proxy in between says). */
export async function answered(server: string, what: string, response: Response): Promise<ExitError> {
  const text = await response.text().catch(() => '')
  const { title, detail } = problemOf(text)
  const words = [title ?? (response.statusText || `HTTP ${response.status}`), detail].filter(Boolean).join(': ')
  const message = `${words} (${what} at ${server}: ${response.status})`
  return [401, 403, 409, 422].includes(response.status) ? refused(message) : trouble(message)
}

function problemOf(text: string): { title?: string; detail?: string } {
  try {
    return JSON.parse(text) as { title?: string; detail?: string }
  } catch {
    return {}
  }
}

/** The innermost message of a failed request: `fetch failed` says nothing. */
export function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && cause.name === 'TimeoutError') return `no answer in ${answerTimeoutMs / 1000} s`
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message
  return cause instanceof Error ? cause.message : String(cause)
}
