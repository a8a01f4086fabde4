import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ControllerProcess } from '../test/mainjob/controllerprocess.ts'
import { sumOf } from '../test/mainjob/sample.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import { secretsDirectory, stopFeeds } from './scene.ts'

/** The controller's own default (`FEEDPLANE_RESYNC_MS` in `controller/main.ts`): what is measured is what users get. */
const defaultResyncMs = 10_000

const pollMs = 500

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
  memoryMB: number
}

/** Feeds that are Ready under a controller of their own. */
export type Fleet = {
  controller: ControllerProcess
  /** Begins a span; the answer ends it, once it has lasted so long. */
  idle(): Promise<(seconds: number) => Promise<Idle>>
  /** Ends the controller and the feeds that are processes; containers are whoever's engine it is to remove. */
  stop(): Promise<void>
}

/** Host of the process engine, with the real feed and the lightest thing that passes for one. */
export const processHost = `engine:
    type: process
    images:
      - {reference: 'feedplane/feed:1.0', entry: feed/main.ts}
      - {reference: 'feedplane/feed:light', entry: bench/lightfeed.ts}`

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { path, remove } = await temporaryDirectory('fleet')
  const manifests = join(path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'fleet.yaml'), manifestsOf(options))
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
    return { controller, idle: () => beginIdle(controller, options), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilReady(controller: ControllerProcess, { feeds, signal }: FleetOptions): Promise<void> {
  const ready = async () => sumOf(await controller.metrics(), 'feedplane_feed_condition', { type: 'Ready', status: 'True' })
  while ((await ready()) < feeds) await delay(pollMs, undefined, { signal })
}

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
      memoryMB: after.memoryBytes / 1e6,
    }
  }
}

async function readingOf(controller: ControllerProcess) {
  const text = await controller.metrics()
  return {
    at: performance.now(),
    looks: sumOf(text, 'feedplane_reconcile_total', { kind: 'Feed' }),
    engine: sumOf(text, 'feedplane_engine_calls_total', { mode: 'write' }),
    feed: sumOf(text, 'feedplane_feed_writes_total'),
    cpuS: sumOf(text, 'feedplane_process_cpu_seconds_total'),
    memoryBytes: sumOf(text, 'feedplane_process_resident_memory_bytes'),
  }
}

function manifestsOf({ feeds, host, image, namespace }: FleetOptions): string {
  const object = (kind: string, name: string, spec: string) =>
    `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec:\n  ${spec}\n`
  const feed = (number: number) =>
    object(
      'Feed',
      `feed-${number}`,
      `hostRef: local
  profileRef: recorded
  image: ${image}
  credentials: {primary: primary}
  subscriptions: [apples]
  container: {memory: 256Mi}
  rollout: {progressDeadline: 10m, minHealthy: 1s}`,
    )
  const profile = `gateway: {type: replay, replay: {files: [ticks/czce-AP010-20200803.csv.gz]}}
  calendar: {type: always}
  publish: {type: none}`
  return [
    object('Host', 'local', host),
    object('Credentials', 'primary', 'file: {path: primary}'),
    object('FeedProfile', 'recorded', profile),
    object('SubscriptionSet', 'apples', 'catalogue: instruments/recorded.json\n  instruments: [CZCE.AP010]'),
    ...Array.from({ length: feeds }, (_, index) => feed(index + 1)),
  ].join('---\n')
}
