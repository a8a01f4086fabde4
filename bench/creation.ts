import Dockerode from 'dockerode'
import { archiveOf } from '../controller/engines/docker/archive.ts'
import { containerOf, feedMount } from '../controller/engines/docker/container.ts'
import { openDockerEngine } from '../controller/engines/docker/engine.ts'
import { type Engine, labels, type WorkloadSpec } from '../controller/engines/engine.ts'
import { type Docker, startDocker } from '../test/services/docker.ts'
import { composeRecreate } from './compose.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { interleaved, median, percentile, timed } from './sample.ts'

const rounds = 12
/** Small, starts at once, runs as any user on a read-only root and ends at once when told. */
const image = 'nats:2.10.27-alpine'

/** Create and start of a container with its files, through the engine and by the bare API of Docker. */
export const creation: Measurement = {
  name: 'create-start',
  about: 'create and start of a container',
  needs: ['docker', 'compose'],
  limitMs: 120_000,
  async measure(signal) {
    const scope = await startDocker()
    await scope.ensureImage(image)
    const engine = openDockerEngine({ endpoint: `unix://${scope.socket}`, installation: scope.project })
    const docker = new Dockerode({ socketPath: scope.socket })
    const ends: (() => Promise<unknown>)[] = [() => engine.close(), () => scope.stop()]
    try {
      await scope.docker('network', 'create', '--label', scope.label, networkOf(scope))
      const contenders = contendersOf({ scope, engine, docker, signal })
      await interleaved(1, contenders, signal)
      const samples = await interleaved(rounds, contenders, signal)
      return figuresOf(samples, await composeRecreate(scope, image, signal))
    } finally {
      for (const end of ends) await end()
    }
  },
}

type Stage = { scope: Docker; engine: Engine; docker: Dockerode; signal: AbortSignal }

const networkOf = ({ project }: Docker) => `${project}-net`

/** Each makes a container under a new name and times it; taking it away again is not timed. */
function contendersOf({ scope, engine, docker, signal }: Stage) {
  let made = 0
  const next = () => specOf(scope, `${scope.project}-c${++made}`)
  const bare = (withFiles: boolean) => async () => {
    const spec = next()
    const tookMs = await timed(() => (withFiles ? createBare(docker, spec, scope) : createBarest(docker, spec, scope)))
    await docker.getContainer(spec.name).remove({ force: true, v: true })
    if (withFiles) await docker.getVolume(spec.name).remove()
    return tookMs
  }
  return {
    ours: async () => {
      const spec = next()
      const tookMs = await timed(async () => {
        await engine.create(spec, signal)
        await engine.start(spec.name, signal)
      })
      await docker.getContainer(spec.name).remove({ force: true, v: true })
      await docker.getVolume(spec.name).remove()
      return tookMs
    },
    bare: bare(true),
    barest: bare(false),
  }
}

/** The least that puts files into a container before it starts: create with a volume, put the archive, start. */
async function createBare(docker: Dockerode, spec: WorkloadSpec, { project }: Docker): Promise<void> {
  const body = containerOf(spec, spec.name, project) as Dockerode.ContainerCreateOptions
  const container = await docker.createContainer({ ...body, name: spec.name })
  await container.putArchive(await archiveOf(spec.files), { path: feedMount })
  await container.start()
}

/** The same container without the volume and the files in it. */
async function createBarest(docker: Dockerode, spec: WorkloadSpec, { project }: Docker): Promise<void> {
  const body = containerOf(spec, spec.name, project) as Dockerode.ContainerCreateOptions
  const container = await docker.createContainer({ ...body, HostConfig: { ...body.HostConfig, Mounts: [] }, name: spec.name })
  await container.start()
}

function specOf(scope: Docker, name: string): WorkloadSpec {
  const secrets = ['primary', 'backup'].flatMap(account =>
    ['BROKER_ID', 'USER_ID', 'PASSWORD'].map(key => ({ path: `secrets/${account}/${key}`, content: 'x'.repeat(16) })),
  )
  return {
    ...{
      name,
      image,
      project: scope.project,
      service: 'bench',
      network: networkOf(scope),
      env: {},
      reach: 'published',
      port: 9100,
    },
    labels: { [labels.owner]: 'Feed/bench/demo' },
    ...{ memoryBytes: 128 * 1024 ** 2, pidsLimit: 64, logMaxBytes: 1_000_000, logMaxFiles: 3, stopGraceMs: 2000, binds: [] },
    files: [{ path: 'desired.json', content: '{}'.padEnd(20_000) }, { path: 'token', content: 'x'.repeat(43) }, ...secrets],
  }
}

function figuresOf({ ours, bare, barest }: Record<'ours' | 'bare' | 'barest', number[]>, recreateMs: number[]): Figure[] {
  const n = ours.length
  return [
    {
      ...{ name: 'create and start of a container', unit: 'ms', value: median(ours), p99: percentile(ours, 0.99), n },
      beside: [
        { kind: 'floor', name: 'bare Docker API: create, put files, start', value: median(bare) },
        { kind: 'floor', name: 'bare Docker API without volume and files', value: median(barest) },
        { kind: 'peer', name: 'docker compose up -d after an edit of the image', value: median(recreateMs) },
      ],
      budget: { of: 'ratio', atMost: 1.2 },
    },
  ]
}
