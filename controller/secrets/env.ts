import type { SecretValues } from './secret.ts'

/** The variables that begin with the prefix, by the rest of their names; empty ones count as absent. */
export function readEnv(prefix: string, keys: readonly string[], environment: NodeJS.ProcessEnv): SecretValues {
  return Object.fromEntries(
    keys.flatMap(key => {
      const value = environment[prefix + key]
      return value ? [[key, value]] : []
    }),
  )
}
