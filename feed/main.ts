import { totalmem } from 'node:os'
import { join } from 'node:path'
import pino, { type Logger } from 'pino'
import * as z from 'zod'
import { feedDirectory } from '../crds/contract/desired.ts'
import { asFault, stalled } from '../crds/contract/fault.ts'
import { loadCalendar } from './calendar/open.ts'
import { tuneHeap } from './heap.ts'
import { addRpcMetric } from './rpc/metrics.ts'
import { openResponder } from './rpc/open.ts'
import { readBusSecrets } from './session/secrets.ts'
import { assertZone, feedZone } from './session/zone.ts'
import { openBus } from './supervisor/bus.ts'
import { addConsumerMetrics, ConsumerWatch } from './supervisor/consumerwatch.ts'
import { addDiskMetrics } from './supervisor/diskmetrics.ts'
import { addHorizonMetric, HorizonWatch } from './supervisor/horizon.ts'
import { sessionMemoryShare } from './supervisor/memory.ts'
import { metricsOf } from './supervisor/metrics.ts'
import { Patrol } from './supervisor/patrol.ts'
import { readVersion } from './supervisor/report.ts'
import { routesOf } from './supervisor/routes.ts'
import { serve } from './supervisor/server.ts'
import { StateDirectory } from './supervisor/state.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import { readToken } from './supervisor/token.ts'
import { addTradingMetrics } from './supervisor/tradingmetrics.ts'

// Exchange times are Shanghai's, and CTP's library dates ticks by the machine's zone. Node takes a zone over at run time, children
// inherit it.
process.env.TZ = feedZone
tuneHeap()

/** A stop takes the sessions' time (4 s) and a little; a supervisor that hangs ends all the same. */
const stopMs = 8000

const settingsSchema = z.object({
  FEEDPLANE_DIRECTORY: z.string().min(1).default('/var/lib/feedplane'),
  FEEDPLANE_DATA: z
    .string()
    .min(1)
    .default(join(import.meta.dirname, '../examples/data')),
  FEEDPLANE_PORT: z.coerce.number().int().min(0).max(65_535).default(9100),
  FEEDPLANE_BIND: z.string().min(1).default('127.0.0.1'),
  FEEDPLANE_SESSION_HUNG_MS: z.coerce.number().int().min(500).max(60_000).default(3000),
  FEEDPLANE_SESSION_MEMORY_MB: z.coerce.number().int().min(1).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

const log = pino({ name: 'feed', level: 'info' }, pino.destination({ fd: 1, sync: true }))

try {
  await main(log)
} catch (error) {
  const fault = asFault(error)
  log.fatal({ reason: fault.reason, err: fault }, 'the feed cannot start')
  process.exit(1)
}

async function main(log: Logger): Promise<void> {
  const settings = readSettings()
  log.level = settings.LOG_LEVEL
  assertZone()
  const directory = settings.FEEDPLANE_DIRECTORY
  const token = readToken(join(directory, feedDirectory.token))
  const state = new StateDirectory(directory)
  const saved = state.load()
  const calendar = await loadCalendar(saved.desired.launch.calendar, settings.FEEDPLANE_DATA)
  const supervisor = new Supervisor({
    saved,
    state,
    calendar,
    log,
    directory,
    dataDirectory: settings.FEEDPLANE_DATA,
    hungMs: settings.FEEDPLANE_SESSION_HUNG_MS,
    sessionMemoryBytes: sessionMemoryOf(settings.FEEDPLANE_SESSION_MEMORY_MB, saved.desired.launch.accounts.length),
  })
  const version = readVersion()
  const metrics = metricsOf(supervisor, version)
  const server = serve(routesOf(supervisor, metrics, version), token, log)
  const port = await listen(server, settings.FEEDPLANE_PORT, settings.FEEDPLANE_BIND)
  state.savePort(port)
  log.info({ feed: saved.desired.feed, version, port }, 'the feed listens')
  const patrol = new Patrol(supervisor)
  supervisor.start()
  const bus = openBus(saved.desired, await readBusSecrets(join(directory, feedDirectory.secrets, 'nats')))
  if (supervisor.fence) bus?.join(supervisor.fence)
  const responder = bus && openResponder(supervisor, version, bus)
  addRpcMetric(metrics.registry, responder)
  addHorizonMetric(metrics.registry, supervisor)
  addTradingMetrics(metrics.registry, supervisor)
  addDiskMetrics(metrics.registry, directory)
  addConsumerMetrics(metrics.registry, supervisor)
  const consumers = new ConsumerWatch(supervisor, () => bus?.connection)
  const horizon = new HorizonWatch(supervisor)
  stopOnSignal(async () => {
    patrol.stop()
    horizon.stop()
    consumers.stop()
    // The epoch is left on the bus last of all.
    await supervisor.stop()
    await bus?.close()
    server.close()
    server.closeAllConnections()
  })
}

function readSettings(): z.infer<typeof settingsSchema> {
  const result = settingsSchema.safeParse(process.env)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw stalled('SettingsInvalid', `environment ${issue?.path.join('.')}: ${issue?.message}`)
}

function sessionMemoryOf(megabytes: number | undefined, sessions: number): number {
  if (megabytes !== undefined) return megabytes * 1024 * 1024
  const limit = process.constrainedMemory()
  return sessionMemoryShare(sessions) * (limit > 0 ? Math.min(limit, totalmem()) : totalmem())
}

function listen(server: ReturnType<typeof serve>, port: number, bind: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(stalled('PortUnusable', `cannot listen on ${bind}:${port}`, error)))
    server.listen(port, bind, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function stopOnSignal(stop: () => Promise<void>): void {
  const onSignal = async (signal: NodeJS.Signals) => {
    log.info({ signal }, 'the feed stops')
    setTimeout(() => process.exit(1), stopMs).unref()
    await stop()
    log.info({}, 'the feed has stopped')
    process.exit(0)
  }
  let isStopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (isStopping) return
      isStopping = true
      void onSignal(signal)
    })
}
