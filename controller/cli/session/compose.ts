import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { StageFailure } from './stage.ts'

/** `required: false` in env files, `config --hash`, `!reset`: what the stack relies on came with 2.24. */
const oldestVersion = [2, 24] as const

export type StackSettings = {
  /** The folder that has compose/ and manifests/. */
  home: string
  envFile: string
  environment: Readonly<Record<string, string | undefined>>
  /** What Compose says while it works. */
  onProgress: (text: string) => void
  signal: AbortSignal
}

const modelSchema = z.object({
  name: z.string(),
  services: z.record(
    z.string(),
    z.object({
      environment: z.record(z.string(), z.string().nullable()).optional(),
      ports: z.array(z.object({ target: z.number(), published: z.string().optional() })).optional(),
      volumes: z.array(z.object({ type: z.string(), source: z.string().optional() })).optional(),
    }),
  ),
  secrets: z.record(z.string(), z.object({ file: z.string().optional() })).optional(),
})

/** The stack as Compose understands its file and its env file. */
export type StackModel = z.infer<typeof modelSchema>

/** The stack of a host, as `docker compose` runs it. Every call throws a StageFailure with what Compose said. */
export type Stack = Awaited<ReturnType<typeof openStack>>

export async function openStack({ home, envFile, environment, onProgress, signal }: StackSettings) {
  const env = { ...environment, FEEDPLANE_HOME: home, DOCKER_GID: environment.DOCKER_GID ?? (await socketGroup(environment)) }
  const files = ['--env-file', envFile, '--file', join(home, 'compose/docker-compose.yml')]
  const docker = (args: string[], onError = onProgress) => run(args, env, onError, signal)
  const compose = (...args: string[]) => docker(['compose', ...files, ...args])
  return {
    envFile,
    /** Throws where there is no engine, or a Compose that is too old. */
    async checkTools(): Promise<string> {
      const engine = await docker(['version', '--format', '{{.Server.Version}}'], () => undefined)
      const version = await docker(['compose', 'version', '--short'], () => undefined)
      if (!isNewEnough(version))
        throw new StageFailure(`Docker Compose is ${version.trim()}`, `install ${oldestVersion.join('.')} or newer`)
      return `Docker ${engine.trim()}, Compose ${version.trim()}`
    },
    /** Throws where a variable that must be set is not. */
    async model(): Promise<StackModel> {
      return modelSchema.parse(JSON.parse(await compose('config', '--format', 'json')))
    },
    up: (timeoutSeconds: number) => compose('up', '--detach', '--wait', '--wait-timeout', String(timeoutSeconds)),
    /** The controller first: it would start again what it finds stopped. Containers and volumes are kept. */
    async stop(): Promise<void> {
      await compose('stop', 'controller')
      await compose('stop')
    },
    logs: () => compose('logs', '--no-color', '--timestamps'),
    /** Names of the services that run. */
    running: async () => (await compose('ps', '--services', '--status', 'running')).split('\n').filter(Boolean),
  }
}

/** Files and folders of this machine that the stack reads. */
export function sourcesOf({ services, secrets = {} }: StackModel): string[] {
  const binds = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.flatMap(({ type, source }) => (type === 'bind' && source !== undefined ? [source] : [])),
  )
  return [...new Set([...binds, ...Object.values(secrets).flatMap(({ file }) => file ?? [])])]
}

/** Where a service answers on loopback; `undefined` where it is not part of the stack. */
export function addressOf({ services }: StackModel, service: string): string | undefined {
  const published = services[service]?.ports?.[0]?.published
  return published === undefined ? undefined : `http://127.0.0.1:${published}`
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.trim().replace(/^v/, '').split('.').map(Number)
  return major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1])
}

/** The controller reaches the engine through the group of its socket. */
async function socketGroup({
  DOCKER_SOCKET = '/var/run/docker.sock',
}: StackSettings['environment']): Promise<string | undefined> {
  return stat(DOCKER_SOCKET).then(
    ({ gid }) => String(gid),
    () => undefined,
  )
}

async function run(
  args: string[],
  env: Record<string, string | undefined>,
  onError: (text: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const child = spawn('docker', args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal })
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.push(chunk)
    onError(chunk)
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code ?? 1))
  })
  const [out, code] = await Promise.all([text(child.stdout), ended]).catch((error: NodeJS.ErrnoException) => {
    throw new StageFailure(`docker cannot be run: ${error.code ?? error.message}`, 'install Docker with Compose')
  })
  if (code === 0) return out
  const last = said.join('').trim().split('\n').at(-1) ?? ''
  throw new StageFailure(`docker ${args[0]} ${args.find(arg => /^(config|up|stop|logs|ps|version)$/.test(arg)) ?? ''}: ${last}`)
}
