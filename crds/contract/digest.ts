import { createHash, createHmac } from 'node:crypto'

/** JSON with object keys sorted and `undefined` members left out, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isPlainObject(member) ? sorted(member) : member))
}

/**
 * Digest of any JSON value: `v1:` and 32 hexadecimal characters of SHA-256 over its canonical text. The prefix is the version
 * of the algorithm: when it changes, an upgrade must not take every feed for changed.
 */
export function digestOf(value: unknown): string {
  return `v1:${createHash('sha256').update(canonical(value)).digest('hex').slice(0, 32)}`
}

const digests = new WeakMap<object, string>()

/** `digestOf` a value that nobody changes, computed once for each object. */
export function digestOnce(value: object): string {
  const known = digests.get(value)
  if (known !== undefined) return known
  const digest = digestOf(value)
  digests.set(value, digest)
  return digest
}

/**
 * Keyed digest of secret content. A plain hash of a short password can be guessed from a status or a label; this one cannot
 * without the key, which never leaves the controller's state directory.
 */
export function keyedDigestOf(key: Buffer, value: unknown): string {
  return `k1:${createHmac('sha256', key).update(canonical(value)).digest('hex').slice(0, 32)}`
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
