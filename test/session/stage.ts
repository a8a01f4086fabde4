import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { buildImages } from '../../compose/image.ts'
import { writeSecretSet } from '../../compose/secretset.ts'
import type { StageRecord } from '../../controller/cli/session/stage.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { startDocker } from '../services/docker.ts'
import { freePorts } from '../services/port.ts'

const root = resolve(import.meta.dirname, '../..')
const buildMs = 240_000
const publicImages = ['prom/prometheus:v2.42.0', 'prom/alertmanager:v0.28.1', 'prom/pushgateway:v1.5.1', 'nats:2.10.27-alpine']

export type SessionStage = Awaited<ReturnType<typeof openSessionStage>>

/** A bare machine: the checkout's compose folder, secrets, and an environment of one feed on the simulator. Nothing runs. */
export async function openSessionStage() {
  const engine = await startDocker()
  const directory = await temporaryDirectory('session')
  const { project } = engine
  await Promise.all([...publicImages, 'node:24-bookworm-slim'].map(engine.ensureImage))
  const caFile = process.env.NODE_EXTRA_CA_CERTS || undefined
  await buildImages({ tag: project, caFile, signal: AbortSignal.timeout(buildMs) })
  const home = join(directory.path, 'home')
  const manifests = join(home, 'manifests/test')
  await mkdir(manifests, { recursive: true })
  await Promise.all(['compose', 'docs'].map(folder => cp(join(root, folder), join(home, folder), { recursive: true })))
  const secrets = join(directory.path, 'secrets')
  await writeSecretSet({ directory: secrets, simulator: true, isRoot: process.getuid?.() === 0 })
  const names = ['CONTROLLER', 'NATS', 'PROMETHEUS', 'ALERTMANAGER', 'PUSHGATEWAY'] as const
  const ports = await freePorts(names.length)
  const portOf = (name: (typeof names)[number]) => ports[names.indexOf(name)] ?? 0
  await writeFile(
    join(manifests, 'stack.env'),
    envFile(
      project,
      names.map(name => [name, portOf(name)]),
    ),
  )
  for (const [name, content] of Object.entries(manifestsOf(project))) await writeFile(join(manifests, name), content)
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, FEEDPLANE_HOME: home, FEEDPLANE_SECRETS: secrets }
  return {
    engine,
    directory: directory.path,
    manifests,
    /** `feedctl` as a program, in an environment that names nothing but where things are. */
    async feedctl(...args: string[]) {
      const settings = { cwd: directory.path, env: { ...env, FEEDPLANE_ENVIRONMENT: 'test' } }
      const child = spawn(process.execPath, [join(root, 'controller/cli/feedctl.ts'), ...args], settings)
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
      return { code: code as number, out, err }
    },
    controller: `http://127.0.0.1:${portOf('CONTROLLER')}`,
    prometheus: `http://127.0.0.1:${portOf('PROMETHEUS')}`,
    pushgateway: `http://127.0.0.1:${portOf('PUSHGATEWAY')}`,
    /** Containers of the stack and of the feeds that run now. */
    async running(): Promise<string[]> {
      const lists = [project, `${project}-feeds`].map(name =>
        engine.docker('ps', '--filter', `label=com.docker.compose.project=${name}`, '--format', '{{.Names}}'),
      )
      return (await Promise.all(lists)).flatMap(list => list.split('\n')).filter(Boolean)
    },
    async stop(): Promise<void> {
      await engine.stop()
      await directory.remove()
    },
  }
}

/** The lines that a runbook has logged. */
export function recordsOf({ out }: { out: string }): StageRecord[] {
  return out
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as StageRecord)
}

function envFile(project: string, ports: [string, number][]): string {
  const variables = {
    ...{ FEEDPLANE_ENVIRONMENT: 'test', COMPOSE_PROFILES: 'monitoring,simulator', COMPOSE_PROJECT_NAME: project },
    ...{ FEED_NETWORK: `${project}-network`, FEEDPLANE_RESYNC_MS: '1000', SIMULATOR_RATE: '2' },
    ...Object.fromEntries(
      ['controller', 'feed', 'nats'].map(name => [`${name.toUpperCase()}_IMAGE`, `feedplane/${name}:${project}`]),
    ),
    ...Object.fromEntries(ports.map(([name, port]) => [`${name}_PORT`, port])),
  }
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function manifestsOf(project: string): Record<string, string> {
  const fronts = (order: number[]) => order.map(port => `tcp://simulator:${port}`)
  const kind = (what: string, name: string, spec: object) =>
    `${JSON.stringify({ apiVersion: 'feedplane.dev/v1alpha1', kind: what, metadata: { name, namespace: project }, spec })}\n`
  return {
    'host.yaml': kind('Host', 'here', {
      ...{ engine: { type: 'docker' }, network: `${project}-network`, project: `${project}-feeds`, reach: 'network' },
    }),
    'credentials.yaml': [
      kind('Credentials', 'primary', { file: { path: 'accounts/primary' } }),
      kind('Credentials', 'backup', { file: { path: 'accounts/backup' } }),
      kind('Credentials', 'nats', { account: 'nats', file: { path: 'accounts/nats' } }),
    ].join('---\n'),
    'profile.yaml': kind('FeedProfile', 'simulated', {
      gateway: { type: 'simulator', fronts: { primary: fronts([7101, 7102]), backup: fronts([7102, 7101]) } },
      publish: { type: 'jetstream', servers: ['nats://nats:4222'], maxBytes: 16_777_216, credentialsRef: 'nats' },
      calendar: { type: 'always' },
    }),
    'subscriptions.yaml': kind('SubscriptionSet', 'few', {
      ...{ catalogue: 'instruments/cn-derivatives-14246.json.gz', select: [{ classes: ['future'] }], limit: 100 },
    }),
    'feed.yaml': `apiVersion: feedplane.dev/v1alpha1
kind: Feed
metadata: {name: futures, namespace: ${project}}
spec:
  hostRef: here
  profileRef: simulated
  image: feedplane/feed:${project}
  imagePullPolicy: Never
  credentials: {active: primary, primary: primary, backup: backup}
  subscriptions: [few]
  container: {memory: 512Mi}
  rollout: {progressDeadline: 60s, minHealthy: 1s}
`,
  }
}
