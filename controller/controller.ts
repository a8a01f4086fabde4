import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { isKindName } from '../crds/kinds.ts'
import { startServer } from './api/server.ts'
import { openDesk } from './desk.ts'
import { openEngine } from './engines/open.ts'
import { imagePuller } from './engines/puller.ts'
import { engineRegistry } from './engines/registry.ts'
import { stopAll } from './engines/stopall.ts'
import { feedClient } from './feedclient.ts'
import { openHub } from './hub.ts'
import { reconcileCredentials } from './kinds/credentials/reconcile.ts'
import type { Step } from './kinds/feed/decision.ts'
import { type FeedPorts, reconcileFeed } from './kinds/feed/reconcile.ts'
import { reconcileFeedProfile } from './kinds/feedprofile/reconcile.ts'
import { reconcileHost } from './kinds/host/reconcile.ts'
import { reconcileSubscriptionSet } from './kinds/subscriptionset/reconcile.ts'
import { controllerMetrics, showFeed } from './metrics.ts'
import { systemClock } from './runtime/clock.ts'
import { runLoop } from './runtime/loop.ts'
import { KeyQueue } from './runtime/queue.ts'
import type { Result } from './runtime/result.ts'
import { secretReader } from './secrets/reader.ts'
import { directorySource } from './sources/directory.ts'
import type { NewEvent } from './store/event.ts'
import { openStore } from './store/store.ts'

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
  /** ms between looks at a converged resource. */
  resyncMs: number
  version: string
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
  const { log, stateDirectory } = settings
  const clock = systemClock
  const stop = new AbortController()
  const store = openStore(join(stateDirectory, 'controller.db'))
  const metrics = controllerMetrics(settings.version)
  const hub = openHub()
  const queue = new KeyQueue(clock, Math.random)
  const addFeeds = () => {
    for (const key of store.memory.feeds()) queue.add(`Feed/${key}`)
  }

  const onEvent = (event: NewEvent) => {
    const added = store.events.add(event)
    metrics.events.inc({ kind: event.kind, type: event.type, reason: event.reason })
    log[event.type === 'Warning' ? 'warn' : 'info'](
      { kind: event.kind, key: event.key, reason: event.reason, detail: event.message },
      'event',
    )
    hub.publish({ type: 'event', event: added })
  }
  const onStatus = (kind: string) => (key: string) => {
    if (kind === 'Feed') showFeed(metrics, key, store.status.get('Feed', key))
    hub.publish({ type: 'resource', kind, key })
  }
  const onStep = (key: string, { action, reason, ...step }: Step) => {
    metrics.steps.inc({ action })
    log.info({ feed: key, action, reason, ...('container' in step && { container: step.container }) }, 'step')
  }

  const engines = engineRegistry({
    open: host =>
      openEngine(host, {
        ...settings,
        installation: store.installation.id,
        onCall: (host, { name: call, kind: mode, failure }) =>
          metrics.engineCalls.inc({ host, call, mode, result: failure ?? 'ok' }),
      }),
    onHint: (_host, owner) => (owner?.startsWith('Feed/') ? queue.add(owner) : addFeeds()),
    onWatchFailed: (host, error) => log.error({ host, err: error }, 'watching the engine failed'),
  })
  const desk = openDesk({
    store,
    clock,
    dataDirectory: settings.dataDirectory,
    environment: settings.environment,
    metrics,
    log,
    onAffected: ids => {
      for (const id of ids) queue.add(id)
      for (const id of ids) hub.publish({ type: 'resource', ...splitId(id) })
    },
    onEvent,
  })
  const feedPorts: FeedPorts = {
    clock,
    store,
    declared: store.declared,
    engines,
    images: imagePuller(clock, addFeeds, stop.signal),
    secrets: secretReader({ environment: settings.environment, directory: settings.secretsDirectory }),
    feeds: countingClient(metrics),
    catalogues: names => desk.catalogues.load(names),
    problems: desk.problems,
    tokenOf: key => createHmac('sha256', store.installation.digestKey).update(`token ${key}`).digest('base64url'),
    onStep,
    onEvent,
    onStatus: onStatus('Feed'),
  }

  const reconcile = (id: string, signal: AbortSignal): Promise<Result> => {
    const { kind, key } = splitId(id)
    if (!isKindName(kind)) return Promise.resolve({ type: 'done' })
    const ports = { ...feedPorts, onStatus: onStatus(kind) }
    switch (kind) {
      case 'Feed':
        return reconcileFeed(key, feedPorts, signal)
      case 'Host':
        return reconcileHost(key, ports, signal)
      case 'Credentials':
        return reconcileCredentials(key, ports)
      case 'SubscriptionSet':
        return reconcileSubscriptionSet(key, ports)
      case 'FeedProfile':
        return reconcileFeedProfile(key, ports)
    }
  }
  const observe = (id: string, result: Result, tookMs: number) => {
    const { kind, key } = splitId(id)
    metrics.reconciles.inc({ kind, result: result.type })
    metrics.reconcileSeconds.observe({ kind }, tookMs / 1000)
    if (result.type === 'error')
      log.warn({ kind, key, reason: result.fault.reason, detail: result.fault.message }, 'reconcile failed')
  }

  for (const key of store.memory.feeds()) showFeed(metrics, key, store.status.get('Feed', key))
  const source = directorySource({
    path: settings.manifests,
    lastGood: store.lastGood,
    onWatchError: error => log.error({ err: error }, 'watching the manifests failed, the resync goes on'),
  })
  const server = await startServer({
    ...settings,
    store,
    metrics,
    queue,
    hub,
    desk,
    ports: feedPorts,
    location: settings.manifests,
  })
  const { concurrency, resyncMs } = settings
  const looping = runLoop({ queue, clock, random: Math.random, concurrency, resyncMs, reconcile, observe }, stop.signal)
  const reading = readSource(source, desk, log, stop.signal)
  log.info({ manifests: settings.manifests, url: server.url, version: settings.version }, 'controller started')

  return {
    url: server.url,
    async stop({ feeds } = { feeds: 'keep' }) {
      stop.abort()
      await Promise.all([looping, reading])
      await server.close()
      if (feeds === 'stop')
        await Promise.all(
          store.declared
            .list('Host')
            .map(async host => stopAll((await engines.of(host)).engine, AbortSignal.timeout(stopFeedsMs))),
        )
      await engines.close()
      store.close()
      log.info('controller stopped')
    },
  }
}

/** Takes one snapshot after the other; of those that come while one is being taken, only the newest. */
async function readSource(
  source: ReturnType<typeof directorySource>,
  desk: ReturnType<typeof openDesk>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  type Snapshots = Parameters<Parameters<typeof source.run>[0]>[0]
  let newest: Snapshots | undefined
  let taking: Promise<void> | undefined
  const drain = async () => {
    while (newest) {
      const snapshot = newest
      newest = undefined
      await desk.take(snapshot).catch(error => log.error({ err: error }, 'taking over the declared state failed'))
    }
    taking = undefined
  }
  await source.run(snapshot => {
    newest = snapshot
    taking ??= drain()
  }, signal)
  await taking
}

function countingClient(metrics: ReturnType<typeof controllerMetrics>): FeedPorts['feeds'] {
  return {
    report: feedClient.report,
    async push(endpoint, token, desired, signal) {
      const [namespace = '', feed = ''] = desired.feed.split('/')
      try {
        await feedClient.push(endpoint, token, desired, signal)
        metrics.feedWrites.inc({ namespace, feed, result: 'ok' })
      } catch (error) {
        metrics.feedWrites.inc({ namespace, feed, result: 'error' })
        throw error
      }
    },
  }
}

function splitId(id: string): { kind: string; key: string } {
  const slash = id.indexOf('/')
  return { kind: id.slice(0, slash), key: id.slice(slash + 1) }
}
