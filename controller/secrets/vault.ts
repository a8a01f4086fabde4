import { X509Certificate } from 'node:crypto'
import { digestOf } from '../../crds/contract/digest.ts'
import { stalled, waiting } from '../../crds/contract/fault.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import type { VaultSource } from '../../crds/credentials.ts'
import type { Clock } from '../runtime/clock.ts'
import { millisecondsOf } from '../runtime/duration.ts'
import type { Declared } from '../store/declared.ts'
import { readSecretFile } from './file.ts'
import type { SecretReading } from './secret.ts'
import { type Proof, VaultLogin } from './vault/login.ts'
import type { VaultEndpoint } from './vault/request.ts'
import { VaultWatch } from './vault/watch.ts'

export type VaultSettings = {
  /** Root of the files that a login rests on. */
  directory: string
  clock: Clock
  random: () => number
  /** Told of the Credentials, `namespace/name`, whose content, or whose trouble, is another one. */
  onChange: (key: string) => void
  /** Told of each read that failed. */
  onFailed: (key: string, reason: string) => void
  signal: AbortSignal
}

export type Vaults = ReturnType<typeof openVaults>

const nobody = { onChange: () => undefined, onFailed: () => undefined }

type Watched = { digest: string; watch: VaultWatch; end: () => void }

/**
 * The secrets that are kept in Vaults (KV version 2). Each is read in the background, from its first `read` until `forget`; those of one
 * address and one way to log in share a login.
 */
export function openVaults(settings: VaultSettings) {
  const watched = new Map<string, Watched>()
  const logins = new Map<string, { login: VaultLogin; users: number }>()

  const share = (source: VaultSource): { login: VaultLogin; release: () => void } => {
    const { address, auth, caFile, namespace } = source
    const id = digestOf({ address, auth, caFile, namespace })
    const shared = logins.get(id) ?? { login: openLogin(source, settings), users: 0 }
    shared.users++
    logins.set(id, shared)
    const release = () => {
      if (--shared.users > 0) return
      shared.login.close()
      logins.delete(id)
    }
    return { login: shared.login, release }
  }

  const begin = (
    { resource }: Declared<'Credentials'>,
    source: VaultSource,
    told: Pick<VaultSettings, 'onChange' | 'onFailed'>,
  ): Watched => {
    const key = keyOf(resource.metadata)
    const { login, release } = share(source)
    const watch = new VaultWatch({
      ...{ ...settings, name: resource.metadata.name, account: resource.spec.account, source, login },
      refreshMs: millisecondsOf(source.refresh),
      endpoint: () => endpointOf(source, settings.directory),
      onChange: () => told.onChange(key),
      onFailed: reason => told.onFailed(key, reason),
    })
    const end = () => {
      watch.close()
      release()
    }
    return { digest: digestOfSource(resource.spec.account, source), watch, end }
  }

  const find = ({ resource }: Declared<'Credentials'>, source: VaultSource): Watched | undefined => {
    const known = watched.get(keyOf(resource.metadata))
    return known?.digest === digestOfSource(resource.spec.account, source) ? known : undefined
  }

  const forget = (key: string): void => {
    watched.get(key)?.end()
    watched.delete(key)
  }

  return {
    /** What is in use of the secret; a Fault while nothing was ever read. */
    read(declared: Declared<'Credentials'>, source: VaultSource): Promise<SecretReading> {
      const known = find(declared, source)
      if (known) return known.watch.reading()
      const key = keyOf(declared.resource.metadata)
      forget(key)
      const next = begin(declared, source, settings)
      watched.set(key, next)
      return next.watch.reading()
    },
    async readAside(declared: Declared<'Credentials'>, source: VaultSource): Promise<SecretReading> {
      const known = find(declared, source)
      if (known) return known.watch.reading()
      const once = begin(declared, source, nobody)
      return once.watch.reading().finally(once.end)
    },
    forget,
    /** Files have changed: what could not be read is tried again. */
    hint(): void {
      for (const { watch } of watched.values()) watch.hint()
    },
  }
}

const digestOfSource = (account: string, source: VaultSource): string => digestOf({ account, source })

function openLogin(source: VaultSource, { directory, clock, random, signal }: VaultSettings): VaultLogin {
  const { auth } = source
  return new VaultLogin({
    ...{ auth, clock, random, signal },
    endpoint: () => endpointOf(source, directory),
    readProof: () => proofOf(auth, directory),
  })
}

function proofOf({ token, appRole }: VaultSource['auth'], directory: string): Proof {
  if (token) return { token: headerOf(readSecretFile(directory, token.file), token.file) }
  return {
    role_id: readSecretFile(directory, appRole?.roleIdFile ?? ''),
    secret_id: readSecretFile(directory, appRole?.secretIdFile ?? ''),
  }
}

/** A token travels in a header, which takes no line breaks. */
function headerOf(token: string, file: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token
  throw stalled('SecretRefused', `${file} holds no token: it is one line without spaces`)
}

function endpointOf({ address, caFile, namespace }: VaultSource, directory: string): VaultEndpoint {
  return { address, namespace, ca: caFile === undefined ? undefined : authorityOf(readSecretFile(directory, caFile)) }
}

/** Node takes a text without a certificate for no authority at all, and trusts nobody then. */
function authorityOf(pem: string): string {
  try {
    new X509Certificate(pem)
    return pem
  } catch (error) {
    throw waiting('VaultCertificate', 'vault.caFile holds no certificate in PEM form', error)
  }
}
