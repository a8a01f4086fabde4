import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ControllerProcess } from '../test/mainjob/controllerprocess.ts'
import { sumOf } from '../test/mainjob/sample.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import { secretsDirectory, stopFeeds } from './scene.ts'

/** The controller's own default (`FEEDPLANE_RESYNC_MS` in `controller/main.ts`): what is measured is what users get. */
const defaultResyncMs = 10_000

const pollMs = 100

export type FleetOptions = {
  /** Feeds, all alike. */
  feeds: number
  /** Spec of their Host, and the image of theirs. */
  host: string
  image: string
  namespace: string
  /** ms between looks; the controller's default. */
  resyncMs?: number
  signal: AbortSignal
}

/** What a controller did and used in a span of time in which nobody wanted anything. */
export type Idle = {
  feeds: number
  seconds: number
  looks: number
  engineWrites: number
  feedWrites: number
  cpuPercent: number
  /** Of the event loop. */
  loopDelayP99Ms: number
  memoryMB: number
}

/** Feeds that are Ready under a controller of their own. */
export type Fleet = {
  controller: ControllerProcess
  feeds: number
  /** `namespace/name` of a feed, counted from 1. */
  key(number: number): string
  /** The file that declares it. */
  file(number: number): string
  /** Returns when the controller has looked at all of them since its start, and they are Ready. */
  untilReady(): Promise<void>
  /** Begins a span; the answer ends it, once it has lasted so long. */
  idle(): Promise<(seconds: number) => Promise<Idle>>
  /** Ends the controller and the feeds that are processes; containers are whoever's engine it is to remove. */
  stop(): Promise<void>
}

/** The lightest thing that passes for a feed, under two names. */
export const lightImages = { one: 'feedplane/feed:light', two: 'feedplane/feed:light-2' } as const

/** Host of the process engine, with the real feed and the light one. */
export const processHost = `engine:
    type: process
    images:
      - {reference: 'feedplane/feed:1.0', entry: feed/main.ts}
      - {reference: '${lightImages.one}', entry: bench/lightfeed.ts}
      - {reference: '${lightImages.two}', entry: bench/lightfeed.ts}`

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { path, remove } = await temporaryDirectory('fleet')
  const manifests = join(path, 'manifests')
  mkdirSync(manifests)
  const file = (number: number) => join(manifests, `feed-${number}.yaml`)
  writeFileSync(join(manifests, 'shared.yaml'), sharedManifest(options))
  for (let number = 1; number <= options.feeds; number++) writeFileSync(file(number), feedManifest(number, options))
  const controller = await ControllerProcess.create({
    manifests,
    secrets: secretsDirectory,
    state: path,
    resyncMs: options.resyncMs ?? defaultResyncMs,
  })
  const stop = async () => {
    await controller.stop()
    if (options.host === processHost) await stopFeeds(path)
    await remove()
  }
  try {
    await controller.start()
    await untilReady(controller, options)
    return {
      ...{ controller, feeds: options.feeds, file, stop },
      key: number => `${options.namespace}/feed-${number}`,
      untilReady: () => untilReady(controller, options),
      idle: () => beginIdle(controller, options),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilReady(controller: ControllerProcess, { feeds, signal }: FleetOptions): Promise<void> {
  const isReady = async () => {
    const text = await controller.metrics()
    const ready = sumOf(text, 'feedplane_feed_condition', { type: 'Ready', status: 'True' })
    return ready >= feeds && looksOf(text) >= feeds
  }
  while (!(await isReady())) await delay(pollMs, undefined, { signal })
}

const looksOf = (metrics: string) => sumOf(metrics, 'feedplane_reconcile_total', { kind: 'Feed' })

async function beginIdle(controller: ControllerProcess, options: FleetOptions): Promise<(seconds: number) => Promise<Idle>> {
  const before = await readingOf(controller)
  return async seconds => {
    const left = before.at + seconds * 1000 - performance.now()
    if (left > 0) await delay(left, undefined, { signal: options.signal })
    const after = await readingOf(controller)
    const elapsedS = (after.at - before.at) / 1000
    return {
      feeds: options.feeds,
      seconds: elapsedS,
      looks: after.looks - before.looks,
      engineWrites: after.engine - before.engine,
      feedWrites: after.feed - before.feed,
      cpuPercent: ((after.cpuS - before.cpuS) / elapsedS) * 100,
      loopDelayP99Ms: after.loopDelayS * 1000,
      memoryMB: after.memoryBytes / 1e6,
    }
  }
}

async function readingOf(controller: ControllerProcess) {
  const text = await controller.metrics()
  return {
    at: performance.now(),
    looks: looksOf(text),
    engine: sumOf(text, 'feedplane_engine_calls_total', { mode: 'write' }),
    feed: sumOf(text, 'feedplane_feed_writes_total'),
    cpuS: sumOf(text, 'feedplane_process_cpu_seconds_total'),
    // Of the time since the reading before.
    loopDelayS: sumOf(text, 'feedplane_nodejs_eventloop_lag_p99_seconds'),
    memoryBytes: sumOf(text, 'feedplane_process_resident_memory_bytes'),
  }
}

const object = (kind: string, name: string, namespace: string, spec: string) =>
  `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec:\n  ${spec}\n`

function feedManifest(number: number, { image, namespace }: FleetOptions): string {
  const spec = `hostRef: local
  profileRef: recorded
  image: ${image}
  credentials: {primary: primary}
  subscriptions: [apples]
  container: {memory: 256Mi}
  rollout: {progressDeadline: 10m, minHealthy: 1s}`
  return object('Feed', `feed-${number}`, namespace, spec)
}

function sharedManifest({ host, namespace }: FleetOptions): string {
  const profile = `gateway: {type: replay, replay: {files: [ticks/czce-AP010-20200803.csv.gz]}}
  calendar: {type: always}
  publish: {type: none}`
  return [
    object('Host', 'local', namespace, host),
    object('Credentials', 'primary', namespace, 'file: {path: primary}'),
    object('FeedProfile', 'recorded', namespace, profile),
    object('SubscriptionSet', 'apples', namespace, 'catalogue: instruments/recorded.json\n  instruments: [CZCE.AP010]'),
  ].join('---\n')
}
