import { createHash } from 'node:crypto'
import * as z from 'zod'
import { transient } from '../../crds/contract/fault.ts'

/** A service as Compose reads it from the declared files. */
export type ComposeService = {
  name: string
  image: string | undefined
  /** What `docker compose config --hash` says; the label of a container has the same, unless the service has an `env_file`. */
  hash: string
  /** Digest of the hash and of the whole service, the content of its env files included. */
  digest: string
  labels: Record<string, string>
  /** `no` where the file does not say. */
  restart: string
  replicas: number
  dependsOn: string[]
  /** Files and folders of the host that it reads: binds, secrets, configs. */
  binds: string[]
}

const sourceSchema = z.object({ source: z.string() })

const serviceSchema = z.looseObject({
  image: z.string().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
  restart: z.string().optional(),
  scale: z.number().optional(),
  deploy: z.looseObject({ replicas: z.number().optional() }).nullish(),
  depends_on: z.record(z.string(), z.unknown()).nullish(),
  volumes: z.array(z.looseObject({ type: z.string(), source: z.string().optional() })).nullish(),
  secrets: z.array(sourceSchema).nullish(),
  configs: z.array(sourceSchema).nullish(),
})

const fileMap = z.record(z.string(), z.looseObject({ file: z.string().optional() })).nullish()

const configSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema).nullish(),
  secrets: fileMap,
  configs: fileMap,
})

type Config = z.infer<typeof configSchema>

/** Puts the answers of `config --format json` and of `config --hash '*'` together. */
export function servicesOf(json: string, hashes: string): ComposeService[] {
  const config = parse(json)
  const hashOf = new Map(hashes.split('\n').map(line => line.split(' ') as [string, string]))
  return Object.entries(config.services ?? {})
    .map(([name, service]) => {
      const hash = hashOf.get(name)
      if (hash === undefined) throw transient('ComposeFailed', `docker compose config --hash does not name the service ${name}`)
      return {
        ...{ name, image: service.image, hash, labels: service.labels ?? {} },
        digest: createHash('sha256')
          .update(`${hash}\n${JSON.stringify(service)}`)
          .digest('hex'),
        restart: service.restart ?? 'no',
        replicas: service.deploy?.replicas ?? service.scale ?? 1,
        dependsOn: Object.keys(service.depends_on ?? {}),
        binds: bindsOf(service, config),
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function parse(json: string): Config {
  try {
    return configSchema.parse(JSON.parse(json))
  } catch (error) {
    throw transient('ComposeFailed', 'the answer of docker compose config is not what it should be', error)
  }
}

function bindsOf({ volumes, secrets, configs }: z.infer<typeof serviceSchema>, config: Config): string[] {
  const bound = (volumes ?? []).flatMap(({ type, source }) => (type === 'bind' && source !== undefined ? [source] : []))
  const filesOf = (used: { source: string }[] | null | undefined, declared: Config['secrets']) =>
    (used ?? []).flatMap(({ source }) => declared?.[source]?.file ?? [])
  return [...bound, ...filesOf(secrets, config.secrets), ...filesOf(configs, config.configs)].sort()
}
