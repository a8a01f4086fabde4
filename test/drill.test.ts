// needs: nats-server
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { feedKey, simulatedManifests } from '../bench/manifests.ts'
import { type Controller, startController } from '../controller/controller.ts'
import type { DrillResult } from '../crds/failoverdrill.ts'
import type { FeedStatus } from '../crds/feed.ts'
import { type Consumer, openConsumer } from '../feed/client/consumer.ts'
import type { FaultRequest } from '../feed/simulator/faultorder.ts'
import { type Simulator, startSimulator } from '../feed/simulator/simulator.ts'
import { groupsOf } from './feed/desired.ts'
import { feedctl } from './mainjob/feedctl.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Nats, startNats } from './services/nats.ts'

// Drills on the real thing: controller, a feed on a simulated front, a stream, a consumer that holds it to its promise and a durable
// one that reads all the time. The tests tell one story, in order.

const root = resolve(import.meta.dirname, '..')
const instruments = 100
const accounts = ['primary', 'backup'].map(user => ({ BROKER_ID: '9999', USER_ID: user, PASSWORD: `password-of-${user}` }))

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let nats: Nats
let simulator: Simulator
let controller: Controller
let consumer: Consumer
let reader: { stop(): Promise<void> }

beforeAll(async () => {
  directory = await temporaryDirectory('drill')
  nats = await startNats()
  simulator = await startSimulator({ instruments, rate: 2, controlPort: 0, accounts })
  const manifests = join(directory.path, 'manifests')
  mkdirSync(manifests)
  const names = (await groupsOf(instruments)).flatMap(group => group.instruments.map(name => `${group.exchange}.${name}`))
  const publish = `{type: jetstream, servers: ['${nats.url}']}`
  const files = simulatedManifests({
    ...{ front: simulator.ports[0] ?? 0, publish, standby: 'warm' },
    instruments: `instruments: ${JSON.stringify(names)}`,
  })
  const drill = `apiVersion: feedplane.dev/v1alpha1
kind: FailoverDrill
metadata: {name: quick, namespace: bench}
spec: {feedRef: demo, market: any, hold: 2s, consumers: {maxGrowth: 2000}}
`
  for (const [name, text] of Object.entries({ ...files, 'drill.yaml': drill })) writeFileSync(join(manifests, name), text)
  writeSecrets()
  controller = await startController({
    ...{ manifests, stateDirectory: join(directory.path, 'state'), secretsDirectory: join(directory.path, 'secrets') },
    dataDirectory: join(root, 'examples/data'),
    ...{ installationDirectory: root, dockerConfigFile: undefined, environment: {}, concurrency: 2, resyncMs: 1000 },
    listen: { host: '127.0.0.1', port: 0 },
    version: 'test',
    log: pino({ level: 'silent' }),
  })
  expect(await feedctl(controller.url, 'rollout', feedKey, '--timeout', '60s')).toMatchObject({
    code: 0,
    err: expect.any(String),
  })
  consumer = await openConsumer({
    ...{ type: 'jetstream', servers: [nats.url], subjectPrefix: 'market.tick', stream: 'TICKS' },
  })
  reader = await readAllTheTime()
  await until('the consumer to be known', async () =>
    (await feedStatus()).consumers?.items.some(({ name }) => name === 'recorder'),
  )
}, 120_000)

afterAll(async () => {
  await reader?.stop()
  await consumer?.close()
  await controller?.stop({ feeds: 'stop' })
  await simulator?.stop()
  await nats?.stop()
  await directory?.remove()
}, 60_000)

function writeSecrets(): void {
  for (const { BROKER_ID, USER_ID, PASSWORD } of accounts) {
    const folder = join(directory.path, 'secrets', USER_ID)
    mkdirSync(folder, { recursive: true })
    for (const [key, value] of Object.entries({ BROKER_ID, USER_ID, PASSWORD })) writeFileSync(join(folder, key), value)
  }
}

/** A durable consumer that takes whatever comes. */
async function readAllTheTime() {
  const connection = await connect({ servers: nats.url })
  const manager = await jetstreamManager(connection)
  await manager.consumers.add('TICKS', { durable_name: 'recorder', ack_policy: 'explicit', deliver_policy: 'new' })
  const messages = await (await manager.jetstream().consumers.get('TICKS', 'recorder')).consume()
  const reading = (async () => {
    for await (const message of messages) message.ack()
  })()
  return {
    async stop() {
      messages.stop()
      await reading
      await connection.close()
    },
  }
}

async function get<T>(path: string): Promise<T> {
  return (await (await fetch(`${controller.url}${path}`)).json()) as T
}

const feedStatus = async () => (await get<{ status: FeedStatus }>(`/api/v1/resources/Feed/${feedKey}`)).status

async function hold(): Promise<{ code: number; result: DrillResult | undefined; err: string }> {
  const { code, out, err } = await feedctl(
    controller.url,
    'drill',
    'demo',
    '-n',
    'bench',
    '--wait',
    '--timeout',
    '90s',
    '-o',
    'json',
  )
  const lines = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { type: string })
  return { code, err, result: lines.find(({ type }) => type === 'result') as DrillResult | undefined }
}

function evidenceOf({ evidence }: DrillResult) {
  return JSON.parse(readFileSync(join(directory.path, 'state', evidence ?? ''), 'utf8'))
}

async function order(faults: FaultRequest): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${simulator.control}/faults`, { method: 'POST', body: JSON.stringify(faults) })
  if (!answer.ok) throw new Error(await answer.text())
}

describe('a drill', () => {
  it('with a healthy backup passes within its bounds, and consumers notice nothing', async () => {
    expect((await feedctl(controller.url, 'status')).out).toContain('never proven')
    const { code, result } = await hold()
    expect({ code, result }).toMatchObject({ code: 0, result: { verdict: 'pass', from: 'primary', to: 'backup', gaps: 0 } })
    expect(result?.failover?.firstTickMs).toBeLessThan(5000)
    expect(result?.failback?.firstTickMs).toBeLessThan(5000)
    expect(result?.consumers).toEqual([{ name: 'recorder', before: expect.any(Number), worst: expect.any(Number) }])
    console.log('drill', JSON.stringify({ failover: result?.failover, failback: result?.failback, consumers: result?.consumers }))
    expect(consumer.counts()).toMatchObject({ missing: 0, duplicates: 0 })
    if (result) expect(evidenceOf(result)).toMatchObject({ result: { verdict: 'pass' }, run: { samples: expect.any(Array) } })
    expect(await feedStatus()).toMatchObject({ active: 'primary', activeReason: 'Declared' })
    expect((await feedctl(controller.url, 'drill')).out).toMatch(/bench\/quick +demo +✓ pass .* ✓ .* ago/)
    expect((await feedctl(controller.url, 'status')).out).toMatch(/backup live \d+, proven ✓ \d+m?s ago/)
    const metrics = await (await fetch(`${controller.url}/metrics`)).text()
    expect(metrics).toContain('feedplane_drill_verdict{namespace="bench",name="quick",feed="demo",verdict="pass"} 1')
  })

  it('whose backup dies in the middle is restored, fails, and keeps the evidence', async () => {
    const file = join(directory.path, 'manifests/drill.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('hold: 2s', 'hold: 30s'))
    const holding = hold()
    await until('the backup to publish', async () => (await feedStatus()).active === 'backup')
    await order({ refuseLogins: { user: 'backup', errorId: 60 }, cut: { user: 'backup' } })
    const { code, result } = await holding
    expect({ code, result }).toMatchObject({ code: 1, result: { verdict: 'fail', restored: true } })
    if (result) expect(evidenceOf(result)).toMatchObject({ run: { trouble: { verdict: 'fail' } } })
    expect(await feedStatus()).toMatchObject({ active: 'primary' })
  })

  it('with a dead backup is refused before anything is touched', async () => {
    const { epoch } = await feedStatus()
    const { code, result } = await hold()
    expect({ code, result }).toMatchObject({ code: 4, result: { verdict: 'refused', reason: 'StandbyNotLive' } })
    expect(await feedStatus()).toMatchObject({ epoch, active: 'primary' })
  })
})
