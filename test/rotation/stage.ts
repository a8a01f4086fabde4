import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'
import { feedKey, simulatedManifests } from '../../bench/manifests.ts'
import type { Condition } from '../../crds/contract/resource.ts'
import type { FeedStatus } from '../../crds/feed.ts'
import { type Consumer, openConsumer } from '../../feed/client/consumer.ts'
import { type Simulator, startSimulator } from '../../feed/simulator/simulator.ts'
import { groupsOf } from '../feed/desired.ts'
import { ControllerProcess } from '../mainjob/controllerprocess.ts'
import { killWorkloads, type Workload, workloadsIn } from '../mainjob/workloads.ts'
import { until } from '../services/deadline.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { startNats } from '../services/nats.ts'

export { feedKey }

/** Few enough that two processes of a feed are light, and enough ticks that a lost one shows. */
const instruments = 100
const broker = '9999'

export type Account = 'primary' | 'backup'

/**
 * A feed with two accounts on a simulated front, both of which allow two logins, under a controller in a process of its own, with a stream
 * and a consumer that counts what is missing and what comes twice.
 */
export type RotationStage = {
  directory: string
  natsUrl: string
  controller: ControllerProcess
  simulator: Simulator
  consumer: Consumer
  passwords: Record<Account, string>
  status(): Promise<FeedStatus>
  condition(type: string): Promise<Condition | undefined>
  /** Folders of the feed's processes. */
  workloads(): Workload[]
  /** The broker takes this password from now on. */
  changeAtBroker(account: Account, password: string): void
  /** Waits until this revision serves, alone. */
  serves(revision: number): Promise<void>
  /** Waits for so many ticks of every instrument, on average. */
  moreTicks(rounds: number): Promise<void>
  /** What the consumer holds against the feed. */
  complaints(): object
  stop(): Promise<void>
}

/** `sourceOf` gives the YAML of where an account's secrets come from; `begin` puts the first ones there. */
export async function startRotationStage(sources: {
  sourceOf: (account: Account) => string
  begin: (directory: string, passwords: Record<Account, string>) => void
}): Promise<RotationStage> {
  const { path: directory, remove } = await temporaryDirectory('rotation')
  const passwords = { primary: newPassword(), backup: newPassword() }
  const entries = Object.entries(passwords).map(([USER_ID, PASSWORD]) => ({ BROKER_ID: broker, USER_ID, PASSWORD }))
  const nats = await startNats()
  const simulator = await startSimulator({ instruments, rate: 4, controlPort: 0, accounts: entries })
  await writeManifests(join(directory, 'manifests'), simulator, nats.url, sources.sourceOf)
  sources.begin(directory, passwords)
  const state = join(directory, 'state')
  const controller = await ControllerProcess.create({
    ...{ manifests: join(directory, 'manifests'), secrets: join(directory, 'secrets'), state },
    data: resolve('examples/data'),
    resyncMs: 1000,
  })
  await controller.start()
  expect(await controller.settled(feedKey)).toMatchObject({ state: 'done' })
  const consumer = await openConsumer({
    ...{ type: 'jetstream', servers: [nats.url], subjectPrefix: 'market.tick', stream: 'TICKS' },
  })
  const status = async () => (await controller.view(feedKey)).status as FeedStatus
  const workloads = () => workloadsIn(state)
  const stage: RotationStage = {
    ...{ directory, natsUrl: nats.url, controller, simulator, consumer, passwords, status, workloads },
    condition: async type => (await status()).conditions?.find(condition => condition.type === type),
    changeAtBroker(account, password) {
      simulator.changePassword(broker, account, password)
      passwords[account] = password
    },
    serves: async revision =>
      void (await until(`revision ${revision} to serve alone`, async () => {
        const { revision: runs, phase, conditions } = await status()
        const isReady = conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
        return runs === revision && phase === undefined && isReady && workloads().length === 1
      })),
    async moreTicks(rounds) {
      const before = consumer.counts().accepted
      await until('more ticks', () => consumer.counts().accepted >= before + rounds * instruments)
    },
    complaints() {
      const { missing, duplicates, stale, restarts, malformed, gaps } = consumer.counts()
      return { missing, duplicates, stale, restarts, malformed, gaps }
    },
    async stop() {
      await consumer.close()
      await controller.stop()
      killWorkloads(state)
      await simulator.stop()
      await nats.stop()
      await remove()
    },
  }
  await stage.moreTicks(2)
  return stage
}

export const newPassword = () => `CANARY-${randomBytes(12).toString('hex')}`

export const secretsOf = (account: Account, password: string) => ({ BROKER_ID: broker, USER_ID: account, PASSWORD: password })

/** One file a key, and the folder in place of the one before by one rename: nothing half written is ever seen. */
export function writeSecretFile(directory: string, account: Account, key: string, value: string): void {
  const folder = join(directory, 'secrets', account)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `.${key}`), value, { mode: 0o600 })
  renameSync(join(folder, `.${key}`), join(folder, key))
}

async function writeManifests(folder: string, simulator: Simulator, natsUrl: string, sourceOf: (account: Account) => string) {
  mkdirSync(folder)
  const names = (await groupsOf(instruments)).flatMap(group => group.instruments.map(name => `${group.exchange}.${name}`))
  const files = simulatedManifests({
    ...{ front: simulator.ports[0] ?? 0, standby: 'warm', publish: `{type: jetstream, servers: ['${natsUrl}']}` },
    instruments: `instruments: ${JSON.stringify(names)}`,
  })
  const credentials = (['primary', 'backup'] as const).map(
    account =>
      `apiVersion: feedplane.dev/v1alpha1\nkind: Credentials\nmetadata: {name: ${account}, namespace: bench}\nspec:\n  logins: 2\n  ${sourceOf(account)}\n`,
  )
  for (const [name, text] of Object.entries({ ...files, 'credentials.yaml': credentials.join('---\n') }))
    writeFileSync(join(folder, name), text)
}
