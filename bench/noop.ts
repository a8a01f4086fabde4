import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startController } from '../controller/controller.ts'
import { engineOf } from '../controller/kinds/feed/gather.ts'
import { type FeedPorts, reconcileFeed } from '../controller/kinds/feed/reconcile.ts'
import { untilSettled } from '../controller/tour/watch.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import { composeNoop } from './compose.ts'
import type { Beside, Figure } from './figure.ts'
import { startFront } from './front.ts'
import { feedKey, replayManifests, simulatedManifests } from './manifests.ts'
import type { Measurement } from './measurement.ts'
import { openPorts, surroundings } from './ports.ts'
import { interleaved, median, percentile, timed } from './sample.ts'
import { secretsDirectory, stopFeeds } from './scene.ts'

const rounds = 400
const warmUp = 50
/** The shipped catalogue, about all of China's derivatives; few ticks, because it is the looking that is measured. */
const marketSize = 14_246
const marketRate = 0.05

/** One look at a converged feed: gather, plan, apply nothing, summarize. In this process, on a real engine and a feed that runs. */
export const noop: Measurement = {
  name: 'no-op',
  about: 'reconcile of one feed with nothing to do',
  needs: [],
  limitMs: 120_000,
  async measure(signal) {
    const small = await samplesOn(replayManifests(), signal)
    const front = await startFront(marketSize, marketRate)
    try {
      const everything = { front: front.port, publish: '{type: none}', standby: 'warm', instruments: 'select: [{}]' } as const
      const large = await samplesOn(simulatedManifests(everything), signal)
      return figuresOf(small, large, await composeNoop(signal))
    } finally {
      await front.stop()
    }
  },
}

type Samples = Record<'floor' | 'alone' | 'shared', number[]> & { writes: number }

async function samplesOn(manifests: Record<string, string>, signal: AbortSignal): Promise<Samples> {
  const { path, remove } = await temporaryDirectory('bench')
  try {
    mkdirSync(join(path, 'manifests'))
    for (const [name, text] of Object.entries(manifests)) writeFileSync(join(path, 'manifests', name), text)
    await bringUp(path, signal)
    return await lookAgain(path, signal)
  } finally {
    await stopFeeds(path)
    await remove()
  }
}

/** The feed keeps running when its controller ends, and is then looked at without the loop in between. */
async function bringUp(path: string, signal: AbortSignal): Promise<void> {
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

async function lookAgain(path: string, signal: AbortSignal): Promise<Samples> {
  const { ports, writes, close } = await openPorts(path)
  try {
    const host = await engineOf('bench/local', ports)
    const [workload] = await host.engine.list(signal)
    const status = `${workload?.endpoint}/v1/status`
    const contenders = {
      floor: () => timed(() => Promise.all([host.engine.list(signal), plainGet(status, ports.tokenOf(feedKey))])),
      alone: () => {
        host.invalidate()
        return look(ports, signal)
      },
      shared: () => look(ports, signal),
    }
    await interleaved(warmUp, contenders, signal)
    const before = writes()
    const samples = await interleaved(rounds, contenders, signal)
    return { ...samples, writes: writes() - before }
  } finally {
    await close()
  }
}

const look = (ports: FeedPorts, signal: AbortSignal) =>
  timed(async () => {
    const { type } = await reconcileFeed(feedKey, ports, signal)
    if (type !== 'done') throw new Error(`a converged feed is looked at and the result is ${type}`)
  })

async function plainGet(url: string, token: string): Promise<void> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  await response.arrayBuffer()
}

function figuresOf(small: Samples, large: Samples, peer: Beside[]): Figure[] {
  const row = (samples: number[]) => ({
    unit: 'ms' as const,
    value: median(samples),
    p99: percentile(samples, 0.99),
    n: samples.length,
  })
  const floor = (samples: Samples): Beside[] => [
    { kind: 'floor', name: "GET of the feed's status and list of the engine", value: median(samples.floor) },
  ]
  return [
    {
      name: 'reconcile with nothing to do',
      ...row(small.alone),
      beside: [...floor(small), ...peer],
      budget: { of: 'value', atMost: 2 },
    },
    { name: 'the same, list of the engine shared by feeds', ...row(small.shared), beside: floor(small) },
    { name: `the same, ${marketSize} instruments`, ...row(large.alone), beside: floor(large) },
    {
      name: 'writes of these reconciles to engine, feed and status',
      unit: 'count',
      value: small.writes + large.writes,
      n: 4 * rounds,
      budget: { of: 'value', atMost: 0 },
    },
  ]
}
