import { join } from 'node:path'
import { waiting } from '../../crds/contract/fault.ts'
import type { Declared } from '../store/declared.ts'
import { readEnv } from './env.ts'
import { readFiles } from './file.ts'
import { keysOf, missingKeys, type SecretReader, type SecretValues } from './secret.ts'

export type SecretSettings = { environment: NodeJS.ProcessEnv; directory: string }

/** Reads secrets from wherever a `Credentials` says, and insists that the account is complete. */
export function secretReader(settings: SecretSettings): SecretReader {
  return async credentials => {
    const { account } = credentials.resource.spec
    const values = await lookUp(credentials, settings)
    const present = Object.keys(values)
    const missing = missingKeys(account, present)
    if (missing.length > 0) throw missingFault(credentials, present, missing, settings)
    return values
  }
}

async function lookUp(
  { resource: { spec } }: Declared<'Credentials'>,
  { environment, directory }: SecretSettings,
): Promise<SecretValues> {
  const keys = keysOf(spec.account)
  if (spec.env) return readEnv(spec.env.prefix, keys, environment)
  return spec.file ? readFiles(directory, spec.file.path, keys) : {}
}

function missingFault(
  { resource }: Declared<'Credentials'>,
  present: string[],
  missing: string[],
  { directory }: SecretSettings,
) {
  const { spec, metadata } = resource
  const where = spec.env
    ? `set ${missing.map(key => spec.env?.prefix + key).join(', ')} in the controller's environment`
    : `write ${missing.map(key => join(directory, spec.file?.path ?? '', key)).join(', ')}`
  const reason = present.length > 0 ? 'SecretPartial' : 'SecretMissing'
  return waiting(
    reason,
    `Credentials ${metadata.name}: ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing: ${where}`,
  )
}
