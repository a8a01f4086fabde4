import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pino from 'pino'
import { startController } from '../controller/controller.ts'
import { openDesk } from '../controller/desk.ts'
import { openEngine } from '../controller/engines/open.ts'
import { imagePuller } from '../controller/engines/puller.ts'
import { engineRegistry } from '../controller/engines/registry.ts'
import { feedClient } from '../controller/feedclient.ts'
import { engineOf } from '../controller/kinds/feed/gather.ts'
import { type FeedPorts, reconcileFeed } from '../controller/kinds/feed/reconcile.ts'
import { controllerMetrics } from '../controller/metrics.ts'
import { systemClock } from '../controller/runtime/clock.ts'
import { secretReader } from '../controller/secrets/reader.ts'
import { directorySource } from '../controller/sources/directory.ts'
import type { Snapshot } from '../controller/sources/source.ts'
import { openStore } from '../controller/store/store.ts'
import { untilSettled } from '../controller/tour/watch.ts'
import { missingServices } from '../test/services/availability.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import type { Beside, Figure } from './figure.ts'
import { feedKey, replayManifests } from './manifests.ts'
import type { Measurement } from './measurement.ts'
import { interleaved, median, percentile, timed } from './sample.ts'
import { dataDirectory, installationDirectory, secretsDirectory, stopFeeds } from './scene.ts'

const rounds = 400
const warmUp = 50
const composeRounds = 9
const log = pino({ level: 'silent' })

/** One look at a converged feed: gather, plan, apply nothing, summarize. In this process, on a real engine and a feed that runs. */
export const noop: Measurement = {
  name: 'no-op',
  about: 'reconcile of one feed with nothing to do',
  needs: [],
  limitMs: 90_000,
  async measure(signal) {
    const { path, remove } = await temporaryDirectory('bench')
    try {
      await bringUp(path, signal)
      const figures = await measureOn(path, signal)
      return figures
    } finally {
      await stopFeeds(path)
      await remove()
    }
  },
}

/** The feed keeps running when its controller ends, and is then looked at without the loop in between. */
async function bringUp(path: string, signal: AbortSignal): Promise<void> {
  mkdirSync(join(path, 'manifests'))
  for (const [name, text] of Object.entries(replayManifests())) writeFileSync(join(path, 'manifests', name), text)
  const controller = await startController({
    ...surroundings(path),
    manifests: join(path, 'manifests'),
    secretsDirectory,
    environment: {},
    listen: { host: '127.0.0.1', port: 0 },
    concurrency: 4,
    resyncMs: 1000,
    version: 'bench',
  })
  try {
    const settled = await untilSettled(controller.url, feedKey, {}, signal)
    if (settled.state !== 'done') throw new Error(settled.why)
  } finally {
    await controller.stop()
  }
}

const surroundings = (stateDirectory: string) => ({
  stateDirectory,
  dataDirectory,
  installationDirectory,
  dockerConfigFile: undefined,
  log,
})

async function measureOn(path: string, signal: AbortSignal): Promise<Figure[]> {
  const opened = await openPorts(path)
  try {
    const { ports, writes } = opened
    const host = await engineOf('bench/local', ports)
    const [workload] = await host.engine.list(signal)
    const endpoint = workload?.endpoint ?? ''
    const floor = () =>
      timed(() => Promise.all([host.engine.list(signal), plainGet(`${endpoint}/v1/status`, ports.tokenOf(feedKey))]))
    const alone = () => {
      host.invalidate()
      return look(ports, signal)
    }
    const shared = () => look(ports, signal)
    await interleaved(warmUp, { floor, alone, shared }, signal)
    const before = writes()
    const samples = await interleaved(rounds, { floor, alone, shared }, signal)
    return figuresOf(samples, writes() - before, await composePeer(signal))
  } finally {
    await opened.close()
  }
}

const look = (ports: FeedPorts, signal: AbortSignal) =>
  timed(async () => {
    const { type } = await reconcileFeed(feedKey, ports, signal)
    if (type !== 'done') throw new Error(`a converged feed is looked at and the result is ${type}`)
  })

function figuresOf(
  { floor, alone, shared }: Record<'floor' | 'alone' | 'shared', number[]>,
  writes: number,
  peer: Beside[],
): Figure[] {
  const beside: Beside[] = [{ kind: 'floor', name: "GET of the feed's status and list of the engine", value: median(floor) }]
  const row = (samples: number[]) => ({
    unit: 'ms' as const,
    value: median(samples),
    p99: percentile(samples, 0.99),
    n: samples.length,
  })
  return [
    {
      name: 'reconcile with nothing to do',
      ...row(alone),
      beside: [...beside, ...peer],
      budget: { of: 'value', atMost: 2 },
    },
    { name: 'the same, list of the engine shared by feeds', ...row(shared), beside },
    {
      name: 'writes of these reconciles to engine, feed and status',
      unit: 'count',
      value: writes,
      n: alone.length + shared.length,
      budget: { of: 'value', atMost: 0 },
    },
  ]
}

async function plainGet(url: string, token: string): Promise<void> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  await response.arrayBuffer()
}

/** The controller's own parts, put together without queue, loop and server. */
async function openPorts(path: string) {
  const store = openStore(join(path, 'controller.db'))
  const stop = new AbortController()
  let writes = 0
  const countWrite = () => void writes++
  const engines = engineRegistry({
    open: host =>
      openEngine(host, {
        ...surroundings(path),
        installation: store.installation.id,
        onCall: (_host, { kind }) => kind === 'write' && countWrite(),
      }),
    onHint: () => undefined,
    onWatchFailed: () => undefined,
  })
  const environment = {}
  const around = { store, clock: systemClock, dataDirectory, environment, metrics: controllerMetrics('bench'), log }
  const desk = openDesk({ ...around, onAffected: () => undefined, onEvent: () => undefined })
  await desk.take(await readOnce(join(path, 'manifests'), store))
  const ports: FeedPorts = {
    clock: systemClock,
    store,
    declared: store.declared,
    engines,
    images: imagePuller(systemClock, () => undefined, stop.signal),
    secrets: secretReader({ environment, directory: secretsDirectory }),
    feeds: { report: feedClient.report, push: async () => countWrite() },
    catalogues: names => desk.catalogues.load(names),
    problems: desk.problems,
    tokenOf: key => createHmac('sha256', store.installation.digestKey).update(`token ${key}`).digest('base64url'),
    onStep: countWrite,
    onEvent: countWrite,
    onStatus: countWrite,
  }
  const close = async () => {
    stop.abort()
    await engines.close()
    store.close()
  }
  return { ports, writes: () => writes, close }
}

async function readOnce(path: string, { lastGood }: ReturnType<typeof openStore>): Promise<Snapshot> {
  const stop = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Snapshot>()
  const running = directorySource({ path, lastGood }).run(resolve, stop.signal)
  const snapshot = await promise
  stop.abort()
  await running
  return snapshot
}

/** What a Compose user's reconciler does when there is nothing to do. Absent where there is no Compose. */
async function composePeer(signal: AbortSignal): Promise<Beside[]> {
  const missing = await missingServices()
  if (missing.get('docker') !== undefined || missing.get('compose') !== undefined) return []
  const { path, remove } = await temporaryDirectory('compose')
  const project = `fp-bench-${process.pid}`
  const file = join(path, 'compose.yaml')
  writeFileSync(file, 'services:\n  one: {image: "busybox:1.36", command: [sleep, "3600"], init: true}\n')
  const compose = (...args: string[]) =>
    promisify(execFile)('docker', ['compose', '-p', project, '-f', file, ...args], { signal })
  try {
    await compose('up', '-d')
    const { peer } = await interleaved(composeRounds, { peer: () => timed(() => compose('up', '-d')) }, signal)
    return [{ kind: 'peer', name: 'docker compose up -d of one service, nothing to do', value: median(peer) }]
  } finally {
    await promisify(execFile)('docker', ['compose', '-p', project, '-f', file, 'down', '-t', '0', '-v'])
    await remove()
  }
}
