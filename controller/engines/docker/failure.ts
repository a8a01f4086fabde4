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

/** By Node's codes; the first ones are of a Unix socket, the others of TLS. */
const hints: Record<string, string> = {
  EACCES: 'the Docker socket may not be opened by this user: add it to the docker group',
  ENOENT: 'there is no Docker socket at the endpoint: start Docker or correct the endpoint',
  CERT_HAS_EXPIRED: 'the certificate of the engine has expired: renew it there',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the engine is for another address than the endpoint: correct one of them',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of the engine was not signed by the authority in engine.tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of the engine was not signed by the authority in engine.tls.ca',
}

function unreachable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const hint = hints[code]
  if (hint !== undefined) return hint
  const said = `Docker cannot be reached: ${messageOf(error)}`
  // A client's certificate is judged after the handshake of TLS 1.3: all that is seen of a refusal is the end of the connection.
  const isClosed = code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('ERR_SSL')
  return isClosed ? `${said}; where it asks for a certificate, it may not accept the one in engine.tls` : said
}
