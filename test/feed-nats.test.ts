// needs: nats-server, promtool
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Account } from '../crds/contract/desired.ts'
import { type Consumer, openConsumer } from '../feed/client/consumer.ts'
import { type Simulator, startSimulator } from '../feed/simulator/simulator.ts'
import { desiredOn, groupsOf, withLive } from './feed/desired.ts'
import { FeedProcess } from './feed/feedprocess.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Nats, startNats } from './services/nats.ts'
import { checkMetrics } from './services/prometheus.ts'

/** Two ticks a second each. `npm run bench` has the full market. */
const instrumentCount = 500
const flips = 6

let nats: Nats
let simulator: Simulator
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let feed: FeedProcess
let consumer: Consumer | undefined

beforeEach(async () => {
  nats = await startNats()
  simulator = await startSimulator({ instruments: instrumentCount, rate: 2 })
  directory = await temporaryDirectory('feed')
  feed = new FeedProcess(directory.path)
})

afterEach(async () => {
  await consumer?.close()
  await feed.stop()
  await simulator.stop()
  await directory.remove()
  await nats.stop()
})

async function startPublishing(type: 'nats' | 'jetstream') {
  const base = desiredOn(simulator.ports[0] ?? 0, await groupsOf(instrumentCount))
  const desired = { ...base, launch: { ...base.launch, publish: { ...base.launch.publish, type, servers: [nats.url] } } }
  await feed.prepare(desired)
  await feed.start()
  await until('the feed to be ready', () => feed.isReady())
  await until('both accounts to be live', async () =>
    (await feed.status()).sessions.every(({ state, lastTickAt }) => state === 'live' && lastTickAt),
  )
  return desired
}

describe('a feed on NATS', () => {
  it.each(['nats', 'jetstream'] as const)('moves the gate without losing or doubling one (%s)', async type => {
    const desired = await startPublishing(type)
    const opened = await openConsumer({ type, servers: [nats.url], subjectPrefix: 'market.tick', stream: 'TICKS' })
    consumer = opened
    await until('ticks', () => opened.counts().accepted > instrumentCount)
    for (let epoch = 2; epoch < 2 + flips; epoch++) {
      const active: Account = epoch % 2 === 0 ? 'backup' : 'primary'
      expect(await feed.put(withLive(desired, { active }, epoch))).toMatchObject({ status: 200, body: { active } })
      const before = opened.counts().accepted
      await until('ticks of every instrument', () => opened.counts().accepted > before + 2 * instrumentCount)
    }
    expect(opened.counts()).toMatchObject({ missing: 0, duplicates: 0, stale: 0, restarts: 0, malformed: 0, gaps: 0 })
    expect(await feed.status()).toMatchObject({ epoch: 1 + flips, gaps: 0, publisher: { type, connected: true } })
  })

  it('tells its metrics as Prometheus wants them', async () => {
    await startPublishing('nats')
    expect((await feed.events()).filter(({ reason }) => reason === 'BusConnected')).toHaveLength(2)
    const text = await (await feed.get('/metrics', {})).text()
    expect(await checkMetrics(text)).toBe('')
    expect(text).not.toMatch(/instrument=/)
    expect(text).toMatch(/md_gate_open\{account="primary",feed="test\/feed"\} 1/)
  })
})
