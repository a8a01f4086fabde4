import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import pino from 'pino'
import * as z from 'zod'
import { asFault, stalled } from '../crds/contract/fault.ts'
import packageJson from '../package.json' with { type: 'json' }
import { startController } from './controller.ts'
import { tuneHeap } from './runtime/heap.ts'

const installationDirectory = resolve(import.meta.dirname, '..')

const settingsSchema = z.object({
  FEEDPLANE_MANIFESTS: z.string().min(1, 'name the folder of declared YAML'),
  FEEDPLANE_STATE: z.string().min(1).default('/var/lib/feedplane'),
  FEEDPLANE_DATA: z.string().min(1).default(join(installationDirectory, 'examples/data')),
  FEEDPLANE_SECRETS: z.string().min(1).default('/run/secrets/feedplane'),
  FEEDPLANE_LISTEN: z
    .string()
    .regex(/^[^\s:]+:\d{1,5}$/, 'write it as HOST:PORT, such as 127.0.0.1:9181')
    .default('127.0.0.1:9181'),
  FEEDPLANE_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(8),
  FEEDPLANE_RESYNC_MS: z.coerce.number().int().min(100).max(600_000).default(10_000),
  FEEDPLANE_FAILPOINT: z.string().min(1).optional(),
  DOCKER_CONFIG: z.string().min(1).default(join(homedir(), '.docker')),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

/** A stop waits for what is in flight, a container's grace time at the most; after this it ends all the same. */
const stopMs = 25_000

const log = pino({ name: 'controller' }, pino.destination({ fd: 1, sync: true }))

try {
  const settings = readSettings()
  log.level = settings.LOG_LEVEL
  const [host = '', port = ''] = settings.FEEDPLANE_LISTEN.split(':')
  const controller = await startController({
    manifests: resolve(settings.FEEDPLANE_MANIFESTS),
    stateDirectory: resolve(settings.FEEDPLANE_STATE),
    dataDirectory: resolve(settings.FEEDPLANE_DATA),
    secretsDirectory: resolve(settings.FEEDPLANE_SECRETS),
    installationDirectory,
    dockerConfigFile: join(settings.DOCKER_CONFIG, 'config.json'),
    environment: process.env,
    listen: { host, port: Number(port) },
    concurrency: settings.FEEDPLANE_CONCURRENCY,
    resyncMs: settings.FEEDPLANE_RESYNC_MS,
    version: packageJson.version,
    failpoint: settings.FEEDPLANE_FAILPOINT,
    onOpened: tuneHeap,
    log,
  })
  stopOnSignal(controller.stop)
} catch (error) {
  const fault = asFault(error)
  log.fatal({ reason: fault.reason, err: fault }, 'the controller cannot start')
  process.exit(1)
}

function readSettings(): z.infer<typeof settingsSchema> {
  const result = settingsSchema.safeParse(process.env)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw stalled('SettingsInvalid', `environment ${issue?.path.join('.')}: ${issue?.message}`)
}

function stopOnSignal(stop: () => Promise<void>): void {
  const end = () => {
    setTimeout(() => process.exit(1), stopMs).unref()
    stop().then(() => process.exit(0))
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
}
