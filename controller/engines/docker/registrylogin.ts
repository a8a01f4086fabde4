import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { stalled } from '../../../crds/contract/fault.ts'

const entrySchema = z.object({ auth: z.string(), identitytoken: z.string(), registrytoken: z.string() }).partial()
const configSchema = z.object({ auths: z.record(z.string(), entrySchema).optional() })

/** Docker Hub's key in every config.json, and its host as references have it. */
const hubKey = 'index.docker.io'
const hub = 'docker.io'

/**
 * Login for a registry from Docker's own `config.json`, in the form of the Engine API, or `undefined`. Read anew for each pull, so that a
 * `docker login` counts at once. Credential helpers are not asked. Throws stalled `RegistryLoginUnreadable` where the file is malformed.
 */
export async function loginFor(configFile: string, registry: string): Promise<object | undefined> {
  const { auths = {} } = await readConfig(configFile)
  const [key, entry] = Object.entries(auths).find(([name]) => hostOf(name) === registry) ?? []
  if (key === undefined || entry === undefined) return undefined
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress: key }
  if (entry.registrytoken) return { registrytoken: entry.registrytoken, serveraddress: key }
  const [username = '', ...password] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':')
  return username === '' ? undefined : { username, password: password.join(':'), serveraddress: key }
}

// Keys are hosts or URLs: `ghcr.io`, `https://index.docker.io/v1/`.
function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').split('/')[0] ?? ''
  return host === hubKey ? hub : host
}

async function readConfig(path: string): Promise<z.infer<typeof configSchema>> {
  try {
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    // Neither the text nor the parser's words: both may hold a password.
    throw stalled('RegistryLoginUnreadable', `${path} is not a Docker config.json that can be read`)
  }
}
