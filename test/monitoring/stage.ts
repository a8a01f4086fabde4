import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Account } from '../../crds/contract/desired.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import type { FaultRequest } from '../../feed/simulator/faultorder.ts'
import { startSimulator } from '../../feed/simulator/simulator.ts'
import { ControllerProcess } from '../mainjob/controllerprocess.ts'
import { edit, save } from '../mainjob/edit.ts'
import { killWorkloads, reportIn, workloadsIn } from '../mainjob/workloads.ts'
import { startAlertmanager } from '../services/alertmanager.ts'
import { until } from '../services/deadline.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { startDisk } from '../services/disk.ts'
import { type Nats, startNats } from '../services/nats.ts'
import { type Prometheus, startPrometheus } from '../services/prometheus.ts'
import { type Pushgateway, startPushgateway } from '../services/pushgateway.ts'
import { optionChainOf } from './chain.ts'
import { ruleFiles } from './rules.ts'
import { shortenedAlertmanager, shortenedPrometheus, shortenedRules } from './shortened.ts'
import { startWebhook, type Webhook } from './webhook.ts'

const root = resolve(import.meta.dirname, '../..')

/** Seconds of silence that the watchdog takes for a stall. */
const thresholdSeconds = 3

/** A controller with one feed on a simulator and a bus, watched by the shipped monitoring; a webhook hears of its alerts. */
export type MonitoringStage = {
  manifests: string
  feedFile: string
  /** The data directory, a copy of the examples'. */
  data: string
  /** The controller's state, with the feed's directory in it. */
  state: string
  controller: ControllerProcess
  nats: Nats
  prometheus: Prometheus
  pushgateway: Pushgateway
  webhook: Webhook
  /** What the feed itself says. */
  report(): Promise<FeedReport>
  order(faults: FaultRequest): Promise<void>
  /** Kills the session of an account and waits until another runs. */
  killSession(account: Account): Promise<void>
  /** Pushes a sample of a gauge as a runbook does. */
  push(sample: string): Promise<void>
  /** Has the feed's process stand still, go on, or end at once. */
  signalFeed(signal: FeedSignal): void
  stop(): Promise<void>
}

type FeedSignal = 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'

export const key = 'quickstart/demo'

export type StageOptions = {
  /** Size of the disk that the state has for itself; it is on the machine's otherwise. */
  stateMegabytes?: number
}

export async function startMonitoringStage({ stateMegabytes }: StageOptions = {}): Promise<MonitoringStage> {
  const closing: (() => Promise<unknown>)[] = []
  const opened = async <T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const service = await starting
    closing.unshift(() => service.stop())
    return service
  }
  const stop = async () => {
    for (const close of closing) await close()
  }
  try {
    const directory = await temporaryDirectory('monitoring')
    closing.unshift(directory.remove)
    const data = join(directory.path, 'data')
    const universe = await catalogues(data)
    const simulator = await opened(startSimulator({ universe, controlPort: 0 }))
    const nats = await opened(startNats())
    const manifests = join(directory.path, 'manifests')
    await declare(manifests, simulator.ports[0] ?? 0, nats.url)
    const state = join(directory.path, 'state')
    if (stateMegabytes !== undefined) await opened(startDisk(state, stateMegabytes))
    const secrets = join(manifests, 'secrets')
    const controller = await ControllerProcess.create({ manifests, secrets, state, data, resyncMs: 500 })
    closing.unshift(async () => killWorkloads(state))
    closing.unshift(() => controller.stop())
    await controller.start()
    const [webhook, pushgateway] = await Promise.all([opened(startWebhook()), opened(startPushgateway())])
    const urlFile = join(directory.path, 'webhook-url')
    await writeFile(urlFile, webhook.url)
    const alertmanager = await opened(startAlertmanager(shortenedAlertmanager(urlFile)))
    const host = (url: string) => new URL(url).host
    const places = { controller: host(controller.url), alertmanager: host(alertmanager.url), pushgateway: host(pushgateway.url) }
    const files = Object.fromEntries(Object.entries(ruleFiles).map(([name, text]) => [name, shortenedRules(text)]))
    const env = { FEEDPLANE_ENVIRONMENT: 'test', FEEDPLANE_GRAFANA_URL: 'http://127.0.0.1:3000' }
    const config = (self: string) => shortenedPrometheus({ ...places, prometheus: self })
    const prometheus = await opened(startPrometheus(config, { files, assets: root, env }))
    await controller.settled(key)
    await addConsumer(nats.url)
    await until('the feed to be scraped', () => isScraped(prometheus))
    return {
      ...{
        manifests,
        feedFile: join(manifests, 'feed.yaml'),
        data,
        state,
        controller,
        nats,
        prometheus,
        pushgateway,
        webhook,
        stop,
      },
      report: () => reportIn(state),
      order: faults => order(simulator.control ?? 0, faults),
      killSession: account => killSession(state, account),
      signalFeed: signal => signalFeed(state, signal),
      push: sample => push(pushgateway.url, sample),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The data of the examples and an option chain beside them; answers what the front knows of it. */
async function catalogues(data: string): Promise<string[]> {
  await cp(join(root, 'examples/data'), data, { recursive: true })
  const [recorded, chain] = [join(data, 'instruments/recorded.json'), join(data, 'instruments/chain.json')] as const
  await writeFile(chain, optionChainOf(await readFile(recorded, 'utf8')))
  return [recorded, chain]
}

async function declare(manifests: string, frontPort: number, natsUrl: string): Promise<void> {
  await cp(join(root, 'examples/quickstart'), manifests, { recursive: true })
  const front = `['tcp://127.0.0.1:${frontPort}']`
  save(
    join(manifests, 'profile.yaml'),
    `apiVersion: feedplane.dev/v1alpha1
kind: FeedProfile
metadata: {name: recorded, namespace: quickstart}
spec:
  gateway: {type: simulator, fronts: {primary: ${front}, backup: ${front}}}
  calendar: {type: always}
  watchdog: {thresholdSeconds: ${thresholdSeconds}}
  publish: {type: jetstream, servers: ['${natsUrl}'], maxBytes: 16777216}
  queue: {maxTicks: 1000}
`,
  )
  edit(join(manifests, 'feed.yaml'), '{progressDeadline: 20s, minHealthy: 2s}', '{progressDeadline: 15s, minHealthy: 1s}')
}

async function order(controlPort: number, faults: FaultRequest): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${controlPort}/faults`, { method: 'POST', body: JSON.stringify(faults) })
  if (!response.ok) throw new Error(`the simulator refuses the order: ${await response.text()}`)
}

async function killSession(state: string, account: Account): Promise<void> {
  const pidOf = async () => (await reportIn(state)).sessions.find(session => session.account === account)?.pid
  const killed = await until('the session to run', pidOf)
  process.kill(killed, 'SIGKILL')
  await until('another session', async () => ![undefined, killed].includes(await pidOf()))
}

async function push(gateway: string, sample: string): Promise<void> {
  const [name] = /^\w+/.exec(sample) ?? []
  const response = await fetch(`${gateway}/metrics/job/feedctl`, { method: 'POST', body: `# TYPE ${name} gauge\n${sample}\n` })
  if (!response.ok) throw new Error(`the Pushgateway refuses ${sample}: ${await response.text()}`)
}

function signalFeed(state: string, signal: FeedSignal): void {
  for (const { process: running } of workloadsIn(state)) if (running) process.kill(running.pid, signal)
}

/** What a counter of the feed has counted before its second scrape is no increase. */
async function isScraped({ query }: Prometheus): Promise<boolean> {
  return (await query('count_over_time(up{job="feedplane-feeds"}[15s]) > 1')).length > 0
}

/** A consumer that is there and reads nothing. */
async function addConsumer(servers: string): Promise<void> {
  const connection = await connect({ servers })
  try {
    const manager = await jetstreamManager(connection)
    await manager.consumers.add('TICKS', { durable_name: 'risk', ack_policy: 'explicit' })
  } finally {
    await connection.close()
  }
}
