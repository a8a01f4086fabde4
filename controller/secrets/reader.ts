import { join } from 'node:path'
import { asFault } from '../../crds/contract/fault.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Declared } from '../store/declared.ts'
import { readEnv } from './env.ts'
import { SecretFiles } from './file.ts'
import { checkComplete, keysOf, type SecretReader, type SecretReading, type SecretValues } from './secret.ts'
import { Settling } from './settling.ts'
import { openVaults } from './vault.ts'

export type SecretSettings = {
  environment: NodeJS.ProcessEnv
  /** Root of the files, of secrets and of what logs in at a Vault. */
  directory: string
  clock?: Clock
  random?: () => number
  /** Told of Credentials, `namespace/name`, to look at again: what is read of them is another thing now. */
  onChange?: (key: string) => void
  /** Told of each read that failed. */
  onFailed?: (key: string, reason: string) => void
  /** Ends what goes on in the background. */
  signal?: AbortSignal
}

/** Reads secrets from wherever a `Credentials` says, and insists that the account is complete. */
export function secretReader(settings: SecretSettings): SecretReader & { hint(): void } {
  const { clock = systemClock, random = Math.random, onChange = () => undefined, onFailed = () => undefined } = settings
  const settling = new Settling(clock, onChange)
  const from = { environment: settings.environment, directory: settings.directory, files: new SecretFiles(settings.directory) }
  const signal = settings.signal ?? new AbortController().signal
  const vaults = openVaults({ directory: settings.directory, clock, random, onChange, onFailed, signal })

  const readAtOnce = (credentials: Declared<'Credentials'>): SecretReading => {
    const key = keyOf(credentials.resource.metadata)
    try {
      return { values: settling.settle(key, lookUp(credentials, from)) }
    } catch (error) {
      onFailed(key, asFault(error).reason)
      throw error
    }
  }
  return {
    async read(credentials) {
      const { vault } = credentials.resource.spec
      const leftBehind = vault ? settling : vaults
      leftBehind.forget(keyOf(credentials.resource.metadata))
      return vault ? vaults.read(credentials, vault) : readAtOnce(credentials)
    },
    async readAside(credentials) {
      const { vault } = credentials.resource.spec
      return vault ? vaults.readAside(credentials, vault) : { values: lookUp(credentials, from) }
    },
    forget(key) {
      from.files.forget()
      settling.forget(key)
      vaults.forget(key)
    },
    /** Files below the directory have changed. */
    hint: vaults.hint,
  }
}

type From = Pick<SecretSettings, 'environment' | 'directory'> & { files: SecretFiles }

function lookUp(
  { resource: { spec, metadata } }: Declared<'Credentials'>,
  { environment, directory, files }: From,
): SecretValues {
  const { account, env, file } = spec
  const keys = keysOf(account)
  const values = env ? readEnv(env.prefix, keys, environment) : files.read(file?.path ?? '', keys)
  const hint = (missing: string[]) =>
    env
      ? `set ${missing.map(key => env.prefix + key).join(', ')} in the controller's environment`
      : `write ${missing.map(key => join(directory, file?.path ?? '', key)).join(', ')}`
  checkComplete({ name: metadata.name, account }, Object.keys(values), hint)
  return values
}
