import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pino from 'pino'
import { run } from '../../controller/cli/program.ts'
import { startController } from '../../controller/controller.ts'
import { startSimulator } from '../../feed/simulator/simulator.ts'
import { temporaryDirectory } from '../services/directory.ts'

const root = resolve(import.meta.dirname, '../..')

/** Instruments that the simulator has, and two that it does not know. */
export const known = Array.from(
  { length: 40 },
  (_, i) => `rb29${String(Math.floor(i / 4) + 1).padStart(2, '0')}${'ABCD'[i % 4]}1`,
)
export const unknown = ['zz2901', 'zz2512']

type Result = { code: number; out: string; err: string }

export type SubscriptionStage = Awaited<ReturnType<typeof openSubscriptionStage>>

/** A real controller with the feed `quickstart/demo` on a simulator that does not know two of its 42 instruments, and feedctl. */
export async function openSubscriptionStage() {
  const directory = await temporaryDirectory('feedctl-subscriptions')
  const data = join(directory.path, 'data')
  await mkdir(data)
  await writeFile(join(data, 'universe.json'), catalogueOf(known))
  await writeFile(join(data, 'catalogue.json'), catalogueOf([...known, ...unknown]))
  await writeFile(join(data, 'calendar.yaml'), alwaysOpenAroundNow())
  const simulator = await startSimulator({ universe: [join(data, 'universe.json')], rate: 2, controlPort: 0 })
  const manifests = join(directory.path, 'manifests')
  await cp(join(root, 'examples/quickstart'), manifests, { recursive: true })
  await declare(manifests, `tcp://127.0.0.1:${simulator.ports[0]}`)
  const file = join(manifests, 'feed.yaml')
  const original = await readFile(file, 'utf8')
  const controller = await startController({
    manifests,
    stateDirectory: directory.path,
    dataDirectory: data,
    secretsDirectory: join(manifests, 'secrets'),
    dockerConfigFile: undefined,
    installationDirectory: root,
    environment: {},
    listen: { host: '127.0.0.1', port: 0 },
    concurrency: 2,
    resyncMs: 2000,
    version: 'test',
    log: pino({ level: 'silent' }),
  })

  const feedctl = async (...args: string[]): Promise<Result> => {
    const written = { out: '', err: '' }
    const code = await run(args, {
      terminal: {
        out: text => {
          written.out += text
        },
        err: text => {
          written.err += text
        },
        outColour: false,
        errColour: false,
        outInteractive: false,
        errInteractive: false,
        now: Date.now,
      },
      signal: AbortSignal.timeout(100_000),
      newToken: () => new Date().toISOString(),
      defaults: { server: controller.url, manifests: undefined, namespace: undefined, data },
      environment: {},
      directory: directory.path,
    })
    return { code, ...written }
  }
  return {
    feedctl,
    manifests,
    /** The file that declares the feed, and its text at the beginning. */
    file,
    original,
    controller,
    /** Orders faults of the simulator. */
    async order(faults: object): Promise<void> {
      const answer = await fetch(`http://127.0.0.1:${simulator.control}/faults`, {
        method: 'POST',
        body: JSON.stringify(faults),
      })
      if (!answer.ok) throw new Error(await answer.text())
    },
    /** One-shot tokens that the controller has carried out. */
    async requests(): Promise<Record<string, string>> {
      const { out } = await feedctl('get', 'feed', 'demo', '-o', 'json')
      return (JSON.parse(out) as { status: { requests?: Record<string, string> } }).status.requests ?? {}
    },
    async stop(): Promise<void> {
      await controller.stop({ feeds: 'stop' })
      await simulator.stop()
      await directory.remove()
    },
  }
}

function catalogueOf(names: string[]): string {
  const windows = { day: [['09:00:00', '10:15:00']], night: [['21:00:00', '23:00:00']] }
  const shared = { exchange_id: 'SHFE', ins_class: 'FUTURE', price_tick: 1, volume_multiple: 10, trading_time: windows }
  return JSON.stringify(names.map(id => ({ ...shared, instrument_id: id, product_id: id.slice(0, 2) })))
}

// So that what is silent does not depend on when the suite runs.
function alwaysOpenAroundNow(): string {
  const date = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  const span = { from: date(-3), to: date(3), reason: 'test' }
  const open = [span]
  const windows = [{ ...span, day: [['00:00:00', '24:00:00']] }]
  return JSON.stringify({ open, windows })
}

async function declare(manifests: string, front: string): Promise<void> {
  const names = [...known, ...unknown].map(name => `SHFE.${name}`)
  const kind = (name: string, what: string, spec: object) =>
    writeFile(
      join(manifests, `${name}.yaml`),
      JSON.stringify({
        apiVersion: 'feedplane.dev/v1alpha1',
        kind: what,
        metadata: { name: 'recorded', namespace: 'quickstart' },
        spec,
      }),
    )
  await kind('subscriptions', 'SubscriptionSet', { catalogue: 'catalogue.json', instruments: names })
  await kind('profile', 'FeedProfile', {
    gateway: { type: 'simulator', fronts: { primary: [front], backup: [front] } },
    calendar: { type: 'china-futures', overrides: 'calendar.yaml' },
    publish: { type: 'none' },
  })
  const feed = join(manifests, 'feed.yaml')
  const text = await readFile(feed, 'utf8')
  await writeFile(
    feed,
    text.replace('minHealthy: 2s', 'minHealthy: 1s, minCoverage: 0.9').replace('standby: warm', 'standby: cold'),
  )
}
