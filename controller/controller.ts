import { createHmac, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { keyOf } from '../crds/contract/resource.ts'
import { startServer } from './api/server.ts'
import { type Compose, openCompose } from './compose/compose.ts'
import { configurationDigest } from './compose/configuration.ts'
import { openFileWatch } from './compose/filewatch.ts'
import { feedsMadeFrom } from './dependents.ts'
import { openDesk } from './desk.ts'
import { dial } from './dial.ts'
import { openEngine } from './engines/open.ts'
import { imagePuller } from './engines/puller.ts'
import { type EngineRegistry, engineRegistry } from './engines/registry.ts'
import { stopAll } from './engines/stopall.ts'
import { failpoint } from './failpoint.ts'
import { feedClient } from './feedclient.ts'
import { openHub } from './hub.ts'
import { evidenceKeeper } from './kinds/failoverdrill/evidence.ts'
import { type Ports, reconcile } from './kinds/reconcile.ts'
import type { StackTools } from './kinds/stack/gather.ts'
import { controllerMetrics, showFeed } from './metrics.ts'
import { readSource } from './reader.ts'
import { openRecorder, type Recorder } from './recorder.ts'
import { parseResourceId, resourceId } from './resourceid.ts'
import { systemClock } from './runtime/clock.ts'
import { runLoop } from './runtime/loop.ts'
import { KeyQueue } from './runtime/queue.ts'
import { watchSecrets } from './secrets/changes.ts'
import { secretReader } from './secrets/reader.ts'
import { directorySource } from './sources/directory.ts'
import { openStore, type Store } from './store/store.ts'

/** Stopping every feed of a demonstration takes a grace time at most. */
const stopFeedsMs = 15_000

export type ControllerSettings = {
  /** Folder of declared YAML. */
  manifests: string
  /** Folder of the controller's own state. */
  stateDirectory: string
  dataDirectory: string
  secretsDirectory: string
  /** Docker's `config.json` with registry logins. */
  dockerConfigFile: string | undefined
  installationDirectory: string
  /** Where `Credentials.env` looks. */
  environment: NodeJS.ProcessEnv
  listen: { host: string; port: number }
  concurrency: number
  /** Told how many feeds are remembered from the life before. */
  onOpened?: (feeds: number) => void
  /** ms between looks at a converged resource. */
  resyncMs: number
  version: string
  /** Point of a rollout at which it kills itself, for tests. */
  failpoint?: string | undefined
  log: Logger
}

export type Controller = {
  /** Base URL of the API. */
  url: string
  /**
   * Stops looking and serving, in this order. Feeds keep running, which is what a controller's end should mean; `feeds: 'stop'`
   * stops those on declared hosts too, for a demonstration that leaves nothing behind.
   */
  stop(options?: { feeds: 'keep' | 'stop' }): Promise<void>
}

/** Puts the controller together and starts it. Feeds that run keep running, whatever happens to it. */
export async function startController(settings: ControllerSettings): Promise<Controller> {
  const { log, manifests, concurrency, resyncMs } = settings
  const clock = systemClock
  const stop = new AbortController()
  const store = openStore(join(settings.stateDirectory, 'controller.db'))
  settings.onOpened?.(store.memory.feeds().length)
  const metrics = controllerMetrics(settings.version)
  const hub = openHub()
  const recorder = openRecorder(store, metrics, hub, log)
  const queue = new KeyQueue(clock, Math.random)
  const addFeeds = () => {
    for (const key of store.memory.feeds()) queue.add(resourceId('Feed', key))
  }
  const engines = openEngines(settings, store, recorder, owner => (owner?.startsWith('Feed/') ? queue.hint(owner) : addFeeds()))
  const stackHints = new EventEmitter().setMaxListeners(0)
  const onAffected = (ids: Set<string>) => {
    stackHints.emit('hint')
    for (const id of ids) {
      queue.add(id)
      const resource = parseResourceId(id)
      if (resource) recorder.changed(resource.kind, resource.key)
    }
  }
  const lookAtSecrets = (key: string) => {
    const id = resourceId('Credentials', key)
    onAffected(new Set([id, ...feedsMadeFrom(id, store.declared).map(feed => resourceId('Feed', feed))]))
  }
  const secrets = secretReader({
    environment: settings.environment,
    directory: settings.secretsDirectory,
    onChange: lookAtSecrets,
    onFailed: recorder.readFailed,
    signal: stop.signal,
  })
  const desk = openDesk({ ...settings, store, clock, metrics, onAffected, onEvent: recorder.event })
  const ports: Ports = {
    clock,
    store,
    declared: store.declared,
    engines,
    images: imagePuller(clock, addFeeds, stop.signal),
    secrets,
    feeds: { ...feedClient, push: recordedPush(recorder) },
    dial,
    catalogues: names => desk.catalogues.load(names),
    problems: desk.problems,
    tokenOf: key => createHmac('sha256', store.installation.digestKey).update(`token ${key}`).digest('base64url'),
    drills: {
      life: randomUUID(),
      evidence: evidenceKeeper(settings.stateDirectory),
      wakeFeed: key => queue.add(resourceId('Feed', key)),
    },
    stacks: openStacks(settings, store, recorder, queue, stackHints, stop.signal),
    onStep: recorder.step,
    onEvent: recorder.event,
    onStatus: recorder.changed,
    ...(settings.failpoint !== undefined && { reached: failpoint(settings.failpoint) }),
  }
  for (const key of store.memory.feeds()) showFeed(metrics, key, store.status.get('Feed', key))
  for (const key of store.drills.list()) recorder.changed('FailoverDrill', key)
  for (const key of store.stacks.list()) recorder.changed('Stack', key)

  const onSecretsError = (error: Error) => log.error({ err: error }, 'watching the secrets failed, the resync goes on')
  const onWatchError = (error: Error) => log.error({ err: error }, 'watching the manifests failed, the resync goes on')
  const onSaveError = (error: Error) => log.error({ err: error }, 'keeping what the manifests declare failed, it is tried again')
  const source = directorySource({ path: manifests, lastGood: store.lastGood, onWatchError, onSaveError })
  const server = await startServer({ ...settings, store, metrics, queue, hub, desk, ports, location: manifests }).catch(
    async error => {
      stop.abort()
      await engines.close()
      store.close()
      throw error
    },
  )
  const looping = runLoop(
    {
      queue,
      clock,
      random: Math.random,
      ready: desk.isOpen,
      concurrency,
      resyncMs,
      reconcile: async (id, signal) => {
        const resource = parseResourceId(id)
        return resource ? reconcile(resource.kind, resource.key, ports, signal) : { type: 'done' }
      },
      observe: (id, result, tookMs) => {
        const resource = parseResourceId(id)
        if (resource) recorder.reconciled(resource.kind, resource.key, result, tookMs)
      },
    },
    stop.signal,
  )
  const reading = readSource(source, desk, log, stop.signal)
  const onSecretFiles = () => {
    secrets.hint()
    for (const { resource } of store.declared.list('Credentials')) if (resource.spec.file) lookAtSecrets(keyOf(resource.metadata))
  }
  const watching = watchSecrets(settings.secretsDirectory, onSecretFiles, onSecretsError, stop.signal)
  log.info({ manifests, url: server.url, version: settings.version }, 'controller started')

  return {
    url: server.url,
    async stop({ feeds } = { feeds: 'keep' }) {
      stop.abort()
      await Promise.all([looping, reading, watching])
      await server.close()
      if (feeds === 'stop') await stopFeeds(store, engines)
      await engines.close()
      store.close()
      log.info('controller stopped')
    },
  }
}

function openEngines(
  settings: ControllerSettings,
  store: Store,
  recorder: Recorder,
  onHint: (owner?: string) => void,
): EngineRegistry {
  const around = { ...settings, installation: store.installation.id, onCall: recorder.engineCall }
  return engineRegistry({
    open: host => openEngine(host, around),
    onHint: (_host, owner) => onHint(owner),
    onWatchFailed: (host, error) => settings.log.error({ host, err: error }, 'watching the engine failed'),
  })
}

/** A Compose for each host, so that its calls are counted there; a file that has changed has every Stack looked at. */
function openStacks(
  { environment, dockerConfigFile, log }: ControllerSettings,
  store: Store,
  recorder: Recorder,
  queue: KeyQueue,
  hints: EventEmitter,
  signal: AbortSignal,
): StackTools {
  const opened = new Map<string, Compose>()
  const onChange = () => {
    for (const compose of opened.values()) compose.reread()
    for (const { resource } of store.declared.list('Stack')) queue.add(resourceId('Stack', keyOf(resource.metadata)))
    hints.emit('hint')
  }
  const onError = (error: Error) => log.error({ err: error }, 'watching the files of stacks failed, the resync goes on')
  const { follow } = openFileWatch(onChange, onError, signal)
  const open = (host: string) => openCompose({ environment, dockerConfigFile, onCall: call => recorder.engineCall(host, call) })
  return {
    compose(host) {
      const compose = opened.get(host) ?? open(host)
      opened.set(host, compose)
      return compose
    },
    configuration: configurationDigest,
    follow,
    onHint: listener => {
      hints.on('hint', listener)
      return () => void hints.off('hint', listener)
    },
    onStep: recorder.stackStep,
  }
}

async function stopFeeds(store: Store, engines: EngineRegistry): Promise<void> {
  const stopOn = async (host: Parameters<EngineRegistry['of']>[0]) =>
    stopAll((await engines.of(host)).engine, AbortSignal.timeout(stopFeedsMs))
  await Promise.all(store.declared.list('Host').map(stopOn))
}

function recordedPush(recorder: Recorder): Ports['feeds']['push'] {
  return async (endpoint, token, desired, knownInstruments, signal) => {
    try {
      await feedClient.push(endpoint, token, desired, knownInstruments, signal)
      recorder.push(desired.feed, 'ok')
    } catch (error) {
      recorder.push(desired.feed, 'error')
      throw error
    }
  }
}
