import { Fault, stalled, transient } from '../../../crds/contract/fault.ts'

/** HTTP status of an engine's refusal, where there was one. */
export function statusOf(error: unknown): number | undefined {
  const found = error instanceof Fault ? error.cause : error
  return found instanceof Error && 'statusCode' in found && typeof found.statusCode === 'number' ? found.statusCode : undefined
}

/** What the engine said, without docker-modem's `(HTTP code 404) reason - ` before it. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^\(HTTP code \d+\) .*? - /s, '').trim()
}

/** Any failure of a call as a Fault. `what` says what was tried, `name` the engine. */
export function faultOf(error: unknown, what: string, signal: AbortSignal): Fault {
  if (error instanceof Fault) return error
  if (signal.aborted) return transient('EngineTimeout', `Docker did not ${what} in time`, error)
  const status = statusOf(error)
  if (status === undefined) return transient('EngineUnreachable', unreachable(error), error)
  return refusal(status, messageOf(error), what, error)
}

// The engine has no machine-readable reasons, so its words decide: first match. All of them are of moby 20.10 to 29.
const reasons: [pattern: RegExp, reason: string, make: typeof transient][] = [
  [/no space left on device/i, 'DiskFull', transient],
  [/port is already allocated|address already in use/i, 'PortTaken', transient],
  [/network .*not found|no such network/i, 'NetworkMissing', transient],
  [/no such image|manifest unknown/i, 'ImageMissing', transient],
  [/no such container/i, 'WorkloadMissing', transient],
  [/removal of container .* is already in progress|marked for removal/i, 'RemovalInProgress', transient],
  [/exec format error|executable file not found|exec: .*(no such file|permission denied)/i, 'StartFailed', stalled],
  [/client version .* is too (old|new)/i, 'ApiVersionChanged', transient],
]

function refusal(status: number, message: string, what: string, cause: unknown): Fault {
  const [, reason, make] = reasons.find(([pattern]) => pattern.test(message)) ?? []
  if (reason !== undefined && make !== undefined) return make(reason, `Docker did not ${what}: ${message}`, cause)
  if (status === 400) return stalled('InvalidSpec', `Docker refused to ${what}: ${message}`, cause)
  if (status === 409) return transient('Conflict', `Docker did not ${what}: ${message}`, cause)
  return transient('EngineError', `Docker did not ${what} (HTTP ${status}): ${message}`, cause)
}

function unreachable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EACCES') return 'the Docker socket may not be opened by this user: add it to the docker group'
  if (code === 'ENOENT') return 'there is no Docker socket at the endpoint: start Docker or correct the endpoint'
  return `Docker cannot be reached: ${messageOf(error)}`
}
