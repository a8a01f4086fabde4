/** Parts of an image reference as the engine wants them. */
export type Reference = {
  /** `docker.io` where the reference names none. */
  registry: string
  /** Registry and repository. */
  name: string
  /** Tag or digest. Never empty: a pull without a tag pulls every tag. */
  tag: string
  /** Name as the engine shows it in digests: Docker Hub's prefix left out. */
  familiar: string
}

const hub = 'docker.io'

export function splitReference(reference: string): Reference {
  const [beforeDigest = '', digest] = reference.split('@')
  const colon = beforeDigest.lastIndexOf(':')
  const hasTag = colon > beforeDigest.lastIndexOf('/')
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest
  const tag = digest ?? (hasTag ? beforeDigest.slice(colon + 1) : 'latest')
  const first = name.split('/')[0] ?? ''
  const registry = name.includes('/') && (/[.:]/.test(first) || first === 'localhost') ? first : hub
  return { registry, name, tag, familiar: name.replace(/^(docker\.io\/)?(library\/)?/, '') }
}
