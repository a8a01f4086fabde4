import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { buildImages } from '../../compose/image.ts'
import { isLong } from '../long.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { type Docker, startDocker } from '../services/docker.ts'
import { freePorts } from '../services/port.ts'
import { type Registry, startRegistry } from '../services/registry.ts'
import { ControllerProcess } from './controllerprocess.ts'
import { edit } from './edit.ts'

const root = resolve(import.meta.dirname, '../..')
const buildMs = 240_000

/** Two ticks a second each. `npm run bench` has the full market too. */
export const instruments = isLong ? 2000 : 500

/** What a Feed may name as its image. `absent` is in no registry. */
export type Images = { base: string; good: string; crashing: string; mute: string; absent: string }

/** Passwords as the secrets folder holds them, drawn for this run: whatever else holds one of them leaks. */
export type Canaries = { primary: string; backup: string; nats: string }

/** `examples/docker` as a user runs it, under names, ports and passwords of this run. */
export type DockerStage = {
  engine: Docker
  registry: Registry
  /** Copy of the example. */
  directory: string
  manifests: string
  feedFile: string
  namespace: string
  /** `namespace/name` of the feed. */
  key: string
  /** Compose projects: of NATS and the simulator, and of the feeds. */
  projects: { demo: string; feeds: string }
  network: string
  natsUrl: string
  images: Images
  canaries: Canaries
  controller: ControllerProcess
  stop(): Promise<void>
}

export async function startDockerStage(options = { instruments }): Promise<DockerStage> {
  const [engine, registry, temporary] = await Promise.all([startDocker(), startRegistry(), temporaryDirectory('mainjob')])
  const stop = async () => {
    await engine.stop()
    await registry.stop()
    await temporary.remove()
  }
  try {
    const stage = await prepare(engine, registry, temporary.path, options.instruments)
    return { ...stage, stop: () => stage.controller.stop().then(stop) }
  } catch (error) {
    await stop()
    throw error
  }
}

async function prepare(
  engine: Docker,
  registry: Registry,
  folder: string,
  instruments: number,
): Promise<Omit<DockerStage, 'stop'>> {
  const { project } = engine
  const network = `${project}-network`
  const directory = join(folder, 'docker')
  const manifests = join(directory, 'manifests')
  const secrets = join(directory, 'secrets')
  const [natsPort = 0] = await freePorts(1)
  const canaries = { primary: canary('primary'), backup: canary('backup'), nats: canary('nats') }
  await cp(join(root, 'examples/docker'), directory, { recursive: true })
  for (const rewritten of [manifests, secrets]) await rewrite(rewritten, canaries, { project, network, instruments })
  await Promise.all(['nats:2.10.27-alpine', 'node:24-bookworm-slim'].map(engine.ensureImage))
  const images = await makeImages(engine, registry, folder)
  await compose(engine, directory, {
    FEEDPLANE_TAG: project,
    FEEDPLANE_NETWORK: network,
    FEEDPLANE_NATS_PORT: String(natsPort),
  })
  const state = join(folder, 'state')
  return {
    ...{ engine, registry, directory, manifests, network, images, canaries },
    ...{ feedFile: join(manifests, 'feed.yaml'), namespace: project, key: `${project}/futures` },
    projects: { demo: project, feeds: `${project}-feeds` },
    natsUrl: `nats://127.0.0.1:${natsPort}`,
    controller: await ControllerProcess.create({ manifests, secrets, state, resyncMs: 500 }),
  }
}

type Names = { project: string; network: string; instruments: number }

/** The same files, with names of this run where an engine is shared, and with its passwords. */
async function rewrite(folder: string, canaries: Canaries, { project, network, instruments }: Names): Promise<void> {
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const path = join(file.parentPath, file.name)
    const text = (await readFile(path, 'utf8'))
      .replaceAll('namespace: demo', `namespace: ${project}`)
      .replaceAll('network: feedplane ', `network: ${network} `)
      .replaceAll('project: feedplane-feeds', `project: ${project}-feeds`)
      .replaceAll('feedplane/feed:1.0', `feedplane/feed:${project}`)
      .replaceAll('limit: 2000 ', `limit: ${instruments} `)
      // Beside other suites a container may take a quarter of a minute from its creation to its first tick.
      .replaceAll('progressDeadline: 30s, minHealthy: 3s', 'progressDeadline: 60s, minHealthy: 1s')
      .replaceAll('demo-primary-password', canaries.primary)
      .replaceAll('demo-backup-password', canaries.backup)
      .replaceAll('demo-nats-password', canaries.nats)
    await writeFile(path, text)
  }
}

const canary = (owner: string): string => `canary-${owner}-${randomBytes(12).toString('hex')}`

/** The feed's image, and small ones made from it: one good, in the registry only, and two that fail. */
async function makeImages(engine: Docker, registry: Registry, directory: string): Promise<Images> {
  const caFile = process.env.NODE_EXTRA_CA_CERTS || undefined
  await buildImages({ tag: engine.project, caFile, signal: AbortSignal.timeout(buildMs) })
  const base = `feedplane/feed:${engine.project}`
  const images = {
    base,
    good: `${registry.host}/${base}-good`,
    crashing: `${base}-crashing`,
    mute: `${base}-mute`,
    absent: `${registry.host}/${base}-absent`,
  }
  await Promise.all([
    build(engine, directory, images.good, `FROM ${base}\nENV FEEDPLANE_VARIANT=good\n`),
    build(engine, directory, images.crashing, `FROM ${base}\nENTRYPOINT ["node", "-e", "process.exit(3)"]\n`),
    build(engine, directory, images.mute, `FROM ${base}\nUSER 0\nRUN ${withoutLogin}\nUSER 10001:10001\n`),
  ])
  await engine.docker('push', '--quiet', images.good)
  await engine.docker('image', 'rm', images.good)
  return images
}

// The login is never sent, so the front never answers: neither an error nor data, as a lost session looks.
const gateway = 'feed/gateways/simulator.ts'
const withoutLogin = `sed -i "s/return this.#send({ op: 'login'.*/return 0/" ${gateway} && ! grep -q "op: 'login'," ${gateway}`

async function build(engine: Docker, directory: string, reference: string, text: string): Promise<void> {
  const context = join(directory, reference.slice(reference.lastIndexOf('-') + 1))
  await mkdir(context, { recursive: true })
  await writeFile(join(context, 'Dockerfile'), text)
  await engine.docker('build', '--quiet', '--network', 'none', '--label', engine.label, '--tag', reference, context)
}

/** NATS and the simulator, as the README starts them. Their names come from a file beside the Compose file. */
async function compose(engine: Docker, directory: string, environment: Record<string, string>): Promise<void> {
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(directory, '.env'), lines.join(''))
  const args = ['--project-directory', directory, '--project-name', engine.project]
  await engine.docker('compose', ...args, 'up', '--detach', '--wait')
}

/** Names another image in the feed's file. */
export function setImage({ feedFile }: DockerStage, image: string): void {
  edit(feedFile, /image: \S+/, `image: ${image}`)
}
