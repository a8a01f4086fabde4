import { Fault, transient, waiting } from '../../../crds/contract/fault.ts'
import type { VaultAnswer } from './request.ts'

/** Node's codes for a certificate that is not trusted, and what to do about it. */
const certificateHints: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it there',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: look at the clocks',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name than the address: correct one of them',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: name it in vault.caFile',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was not signed by an authority that is trusted: name that in vault.caFile',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was not signed by an authority that is trusted: name that in vault.caFile',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was not signed by an authority that is trusted: name that in vault.caFile',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was not signed by an authority that is trusted: name that in vault.caFile',
  CERT_SIGNATURE_FAILURE: 'its certificate was not signed by the authority in vault.caFile',
  CERT_REVOKED: 'its certificate was revoked: replace it there',
}

/**
 * Why no answer came. The error's own words are left out, and so is the error where it may hold a part of an answer (what Node says of
 * malformed HTTP does).
 */
export function unreachable(error: unknown, address: string, isLate: boolean): Fault {
  if (error instanceof Fault) return error
  const code = codeOf(error)
  const cause = code.startsWith('HPE_') ? undefined : error
  const hint = certificateHints[code]
  if (hint !== undefined) return waiting('VaultCertificate', `Vault at ${address} is not trusted: ${hint}`, cause)
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return waiting('VaultCertificate', `${address} does not speak TLS as it should (${code}): is it http?`, cause)
  const why = isLate ? 'no answer in time' : code || 'the connection broke'
  return transient('VaultUnreachable', `Vault at ${address} does not answer (${why})`, cause)
}

/** What was asked of which Vault, for the words of a refusal. */
export type Asked = { what: string; address: string }

/**
 * What an answer that is no success means (Vault's HTTP API, "HTTP status codes"). Vault's own words are looked at and not repeated, because
 * some of them quote what was sent.
 */
export function refusalOf({ status, body }: VaultAnswer, { what, address }: Asked): Fault {
  if (status === 503 && saysSealed(body))
    return waiting('VaultSealed', `Vault at ${address} is sealed: unseal it there (\`vault operator unseal\`)`)
  if (status === 501) return waiting('VaultSealed', `Vault at ${address} is not initialised`)
  if (status === 403) return waiting('VaultForbidden', `Vault at ${address} does not permit to ${what}`)
  if (status === 404) return waiting('VaultNotFound', `Vault at ${address} has nothing where it was asked to ${what}`)
  if (status >= 300 && status < 400)
    return transient(
      'VaultUnreachable',
      `${address} sends us elsewhere (HTTP ${status}), where no token is taken to: name the active node, or one that forwards`,
    )
  return transient('VaultUnreachable', `Vault at ${address} did not ${what} (HTTP ${status})`)
}

/** An answer that says success and is not what the API promises. */
export function invalidAnswer({ what, address }: Asked): Fault {
  return transient('VaultAnswerInvalid', `${address} was asked to ${what} and answers something else than Vault's API promises`)
}

function saysSealed(body: unknown): boolean {
  const { errors } = (typeof body === 'object' && body !== null ? body : {}) as { errors?: unknown }
  return Array.isArray(errors) && errors.some(error => typeof error === 'string' && /sealed/i.test(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
