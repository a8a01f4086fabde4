import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import pino from 'pino'
import { openDesk } from '../controller/desk.ts'
import { countingEngine } from '../controller/engines/counting.ts'
import { imagePuller } from '../controller/engines/puller.ts'
import { engineRegistry } from '../controller/engines/registry.ts'
import { openHub } from '../controller/hub.ts'
import { isTrue } from '../controller/kinds/condition.ts'
import { type Ports, reconcile } from '../controller/kinds/reconcile.ts'
import { controllerMetrics } from '../controller/metrics.ts'
import { readSource } from '../controller/reader.ts'
import { openRecorder } from '../controller/recorder.ts'
import { parseResourceId } from '../controller/resourceid.ts'
import { systemClock } from '../controller/runtime/clock.ts'
import { runLoop } from '../controller/runtime/loop.ts'
import { KeyQueue } from '../controller/runtime/queue.ts'
import { secretReader } from '../controller/secrets/reader.ts'
import { type SimulatedEngine, simulatedEngine } from '../controller/simulation/engine.ts'
import { type FeedWorld, SimulatedFeed, simulatedClient } from '../controller/simulation/feed.ts'
import { noDrills } from '../controller/simulation/nodrills.ts'
import { noStacks } from '../controller/simulation/nostacks.ts'
import { directorySource } from '../controller/sources/directory.ts'
import { openStore } from '../controller/store/store.ts'
import { copyFeed } from './scaleseed.ts'
import { dataDirectory, secretsDirectory } from './scene.ts'

export const scaleImages = { one: 'scale/feed:1', two: 'scale/feed:2' } as const

/** As in `controller/main.ts`. */
const concurrency = 8
/** Looks at converged feeds come when the bench asks for them. */
const resyncMs = 3_600_000

const pollMs = 2
/** A host has so many feeds at the most. */
const feedsPerHost = 100

/** What outlives a controller: manifests, containers, feeds. */
export type ScaleWorld = { path: string; feeds: number; engines: Map<string, SimulatedEngine>; around: FeedWorld }

/**
 * So many feeds, each Ready and in a manifest of its own, a hundred a host. The controller brings up the first of each host; the others are
 * its copies.
 */
export async function openScaleWorld(path: string, feeds: number, signal: AbortSignal): Promise<ScaleWorld> {
  mkdirSync(join(path, 'manifests/feeds'), { recursive: true })
  writeFileSync(join(path, 'manifests/shared.yaml'), sharedManifest(Math.ceil(feeds / feedsPerHost)))
  const around: FeedWorld = {
    ...{ clock: systemClock, running: new Map(), deadAccounts: new Set(), isMute: false },
    onAccepted: () => undefined,
  }
  const world: ScaleWorld = { path, feeds, engines: new Map(), around }
  const numbers = Array.from({ length: feeds }, (_, number) => number)
  const models = numbers.filter(number => number % feedsPerHost === 0)
  for (const number of models) writeFileSync(fileOf(path, number), feedManifest(number, scaleImages.one))
  await convergeOnce({ ...world, feeds: models.length }, signal)
  for (const model of models) {
    const engine = world.engines.get(hostOf(model))
    const others = numbers.slice(model + 1, model + feedsPerHost)
    for (const number of others) writeFileSync(fileOf(path, number), feedManifest(number, scaleImages.one))
    if (engine) await copyFeed(nameOf(model), others.map(nameOf), path, engine)
  }
  await convergeOnce(world, signal)
  return world
}

async function convergeOnce(world: ScaleWorld, signal: AbortSignal): Promise<void> {
  const controller = await startScaleController(world)
  await controller.untilConverged(signal)
  await controller.stop()
}

/** Puts a finished file into the place of a feed's manifest. Returns the moment before, on `performance.now`. */
export function editImage({ path }: ScaleWorld, number: number, image: string): number {
  const staged = join(path, 'edited')
  writeFileSync(staged, feedManifest(number, image))
  const at = performance.now()
  renameSync(staged, fileOf(path, number))
  return at
}

export type ScaleController = Awaited<ReturnType<typeof startScaleController>>

/**
 * The controller of `controller/controller.ts` without its port, on engines and feeds in memory: queue, loop, source, store on disk. A feed's
 * answer comes in a later turn of the event loop, as over HTTP: looks without one would keep everything else from its turn.
 */
export async function startScaleController(world: ScaleWorld) {
  const clock = systemClock
  const log = pino({ level: 'silent' })
  const stop = new AbortController()
  const store = openStore(join(world.path, 'controller.db'))
  const metrics = controllerMetrics('bench')
  const recorder = openRecorder(store, metrics, openHub(), log)
  const queue = new KeyQueue(clock, Math.random)
  const looks = { total: 0, results: new Map<string, number>() }
  let engineWrites = 0
  let onCreate: () => void = () => undefined
  const engines = engineRegistry({
    open: host =>
      countingEngine(
        { ...engineOf(host.resource.metadata.name, world, store.installation.id), close: async () => undefined },
        call => {
          if (call.kind !== 'write') return
          engineWrites++
          if (call.name === 'create') onCreate()
        },
      ),
    onHint: (_host, owner) => owner?.startsWith('Feed/') && queue.hint(owner),
    onWatchFailed: () => undefined,
  })
  const client = simulatedClient(world.around)
  const onAffected = (ids: Set<string>) => {
    for (const id of ids) queue.add(id)
  }
  const around = { store, clock, dataDirectory, environment: {}, metrics, log }
  const desk = openDesk({ ...around, onAffected, onEvent: recorder.event })
  const ports: Ports = {
    clock,
    store,
    declared: store.declared,
    engines,
    images: imagePuller(clock, () => undefined, stop.signal),
    secrets: secretReader({ environment: {}, directory: secretsDirectory }),
    feeds: { ...client, report: (...asked) => nextTurn().then(() => client.report(...asked)) },
    dial: async () => undefined,
    catalogues: names => desk.catalogues.load(names),
    problems: desk.problems,
    tokenOf: () => 'token',
    drills: noDrills,
    stacks: noStacks,
    onStep: recorder.step,
    onEvent: recorder.event,
    onStatus: recorder.changed,
  }
  const looping = runLoop(
    {
      ...{ queue, clock, random: Math.random, ready: desk.isOpen, concurrency, resyncMs },
      reconcile: async (id, signal) => {
        const resource = parseResourceId(id)
        return resource ? reconcile(resource.kind, resource.key, ports, signal) : { type: 'done' }
      },
      observe: (id, result, tookMs) => {
        looks.total++
        const resource = parseResourceId(id)
        if (resource) recorder.reconciled(resource.kind, resource.key, result, tookMs)
      },
    },
    stop.signal,
  )
  const reading = readSource(
    directorySource({ path: join(world.path, 'manifests'), lastGood: store.lastGood }),
    desk,
    log,
    stop.signal,
  )
  const isQuiet = () => queue.depth.ready === 0 && queue.depth.inFlight === 0
  const isReady = (key: string) => {
    const { phase, observedGeneration, conditions } = store.status.get('Feed', key) ?? {}
    const isObserved = observedGeneration === store.declared.get('Feed', key)?.generation
    return isObserved && phase === undefined && isTrue(conditions, 'Ready')
  }
  const ready = () => store.declared.list('Feed').filter(({ resource }) => isReady(`scale/${resource.metadata.name}`)).length
  return {
    store,
    queue,
    engineWrites: () => engineWrites,
    looks: () => looks.total,
    /** Every declared key, due now. */
    resync: () =>
      onAffected(new Set(store.declared.all().map(({ resource: { kind, metadata } }) => `${kind}/scale/${metadata.name}`))),
    async untilQuiet(signal: AbortSignal): Promise<void> {
      while (!isQuiet()) await delay(pollMs, undefined, { signal })
    },
    /** The source was taken over, every key was looked at, and every feed is Ready with nothing under way. */
    async untilConverged(signal: AbortSignal): Promise<void> {
      while (desk.snapshot() === undefined) await delay(pollMs, undefined, { signal })
      for (;;) {
        while (!isQuiet()) await delay(pollMs, undefined, { signal })
        if (ready() === world.feeds) return
        await delay(50, undefined, { signal })
      }
    },
    generation: (number: number) => store.declared.get('Feed', `scale/${nameOf(number)}`)?.generation ?? 0,
    /** When the next container is created, on `performance.now`: the first write for another image. What a former edit left may be removed meanwhile. */
    nextCreate: () =>
      new Promise<number>(resolve => {
        onCreate = () => resolve(performance.now())
      }),
    async stop(): Promise<void> {
      stop.abort()
      await Promise.all([looping, reading])
      await engines.close()
      store.close()
    },
  }
}

function engineOf(host: string, { engines, around }: ScaleWorld, installation: string): SimulatedEngine {
  const known = engines.get(host)
  if (known) return known
  const present = new Set<string>(Object.values(scaleImages))
  const engine = simulatedEngine({
    ...{ clock: systemClock, installation, present, registry: present },
    program: workload => {
      const endpoint = `sim://${workload.id}`
      around.running.set(endpoint, new SimulatedFeed(workload, 'good', around))
      return { endpoint, gone: () => around.running.delete(endpoint) }
    },
  })
  engines.set(host, engine)
  return engine
}

/** All of one length, so that none is the beginning of another. */
const nameOf = (number: number) => `feed-${String(number).padStart(5, '0')}`
const fileOf = (path: string, number: number) => join(path, `manifests/feeds/${nameOf(number)}.yaml`)

function object(kind: string, name: string, spec: string): string {
  return `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: scale}\nspec:\n  ${spec}\n`
}

const feedManifest = (number: number, image: string) =>
  object(
    'Feed',
    nameOf(number),
    `hostRef: ${hostOf(number)}
  profileRef: recorded
  image: ${image}
  credentials: {primary: primary}
  subscriptions: [apples]
  rollout: {strategy: Recreate, progressDeadline: 10m, minHealthy: 1s}`,
  )

const hostOf = (number: number) => `host-${Math.floor(number / feedsPerHost)}`

const hostManifest = (index: number) =>
  object(
    'Host',
    `host-${index}`,
    `engine:
    type: process
    images:
      - {reference: '${scaleImages.one}', entry: feed/main.ts}
      - {reference: '${scaleImages.two}', entry: feed/main.ts}`,
  )

const sharedManifest = (hosts: number) =>
  [
    ...Array.from({ length: hosts }, (_, index) => hostManifest(index)),
    object('Credentials', 'primary', 'file: {path: primary}'),
    object(
      'FeedProfile',
      'recorded',
      `gateway: {type: replay, replay: {files: [ticks/czce-AP010-20200803.csv.gz]}}
  calendar: {type: always}
  publish: {type: none}`,
    ),
    object('SubscriptionSet', 'apples', 'catalogue: instruments/recorded.json\n  instruments: [CZCE.AP010]'),
  ].join('---\n')
