import { Fault } from '../../../crds/contract/fault.ts'
import { type Engine, labels, type WorkloadFile, type WorkloadSpec } from '../engine.ts'
import { nameHeld } from '../ownership.ts'
import { checkFiles, checkName, checkSpec } from '../specification.ts'
import { replacementOf } from './archive.ts'
import { DockerClient } from './client.ts'
import { checkBinds, feedMount } from './container.ts'
import { Containers } from './containers.ts'
import { createContainer } from './creation.ts'
import { defaultEndpoint, socketOf, type TlsFiles } from './endpoint.ts'
import { watchEvents } from './events.ts'
import { statusOf } from './failure.ts'
import { findImage, pullImage } from './image.ts'
import { type Inspection, labelsOf, nameOf, workloadOf } from './inspection.ts'
import { ensureNetwork, joinNetwork, rejoinNetwork, releaseNetwork } from './network.ts'
import { deleteLeftVolumes } from './volume.ts'

export type DockerEngineSettings = {
  /** `unix:///PATH` or `tcp://HOST:PORT`; the default is the local socket. The environment (DOCKER_HOST) is not looked at. */
  endpoint?: string
  tls?: TlsFiles
  installation: string
  /** Docker's `config.json` with registry logins; without it every pull is anonymous. */
  dockerConfigFile?: string
  /** Deadline of a call. A stop has the workload's grace time on top. */
  callTimeoutMs?: number
  pullTimeoutMs?: number
  /** How often the event stream is opened anew. */
  watchReopenMs?: number
}

const defaultCallTimeoutMs = 30_000
const defaultPullTimeoutMs = 15 * 60_000
const defaultWatchReopenMs = 2 * 60_000

/** Runs feeds as containers of a Docker engine, 20.10 (API 1.41) or newer. A malformed endpoint or an unreadable TLS file fails the calls (`InvalidEndpoint`). */
export function openDockerEngine(settings: DockerEngineSettings): Engine {
  const { endpoint = defaultEndpoint, tls, installation, callTimeoutMs = defaultCallTimeoutMs } = settings
  const client = new DockerClient(endpoint, tls, callTimeoutMs)
  const containers = new Containers(client, installation, callTimeoutMs)
  const engine = new DockerEngine(containers, socketOf(endpoint))
  const { dockerConfigFile, pullTimeoutMs = defaultPullTimeoutMs, watchReopenMs = defaultWatchReopenMs } = settings
  return {
    type: 'docker',
    version: async signal => (await client.negotiate(signal)).engine,
    clock: async signal => (await client.negotiate(signal)).clockS * 1000 + 500,
    list: async signal => (await containers.list(signal)).map(found => workloadOf(found, installation)),
    inspect: (nameOrId, signal) => engine.inspect(nameOrId, signal),
    findImage: (reference, signal) => findImage(client, reference, signal),
    pullImage: (reference, signal) => pullImage(client, reference, dockerConfigFile, pullTimeoutMs, signal),
    create: (spec, signal) => engine.create(spec, signal),
    writeFiles: (name, files, signal) => engine.writeFiles(name, files, signal),
    start: (name, signal) => engine.start(name, signal),
    stop: (name, signal) => engine.stop(name, signal),
    rename: (from, to, signal) => engine.rename(from, to, signal),
    remove: (name, signal) => engine.remove(name, signal),
    connect: (name, signal) => engine.connect(name, signal),
    releaseNetwork: (network, signal) => releaseNetwork(client, network, installation, signal),
    logs: (name, lines, signal) => engine.logs(name, lines, signal),
    watch: (onChange, signal) => watchEvents(client, { installation, reopenMs: watchReopenMs }, onChange, signal),
    close: () => client.close(),
  }
}

class DockerEngine {
  readonly #containers: Containers
  readonly #socket: string | undefined
  /** Names in creation by this object, which a container under an unfinished name must not be taken for debris of. */
  readonly #creating = new Map<string, Record<string, string>>()

  constructor(containers: Containers, socket: string | undefined) {
    this.#containers = containers
    this.#socket = socket
  }

  async inspect(nameOrId: string, signal: AbortSignal) {
    const found = await this.#containers.find(nameOrId, signal)
    return found && workloadOf(found, this.#containers.installation)
  }

  async create(spec: WorkloadSpec, signal: AbortSignal): Promise<string> {
    checkSpec(spec)
    checkBinds(spec, this.#socket)
    const owned = { ...spec.labels, [labels.installation]: this.#containers.installation }
    const other = this.#creating.get(spec.name)
    if (other !== undefined) throw this.#held(spec.name, { id: 'in creation', labels: other }, spec.labels[labels.owner])
    this.#creating.set(spec.name, owned)
    try {
      return await createContainer(this.#containers, spec, signal)
    } finally {
      this.#creating.delete(spec.name)
    }
  }

  async writeFiles(name: string, files: WorkloadFile[], signal: AbortSignal): Promise<void> {
    checkFiles(files)
    const found = await this.#containers.needOurs(name, 'write files of', signal)
    await this.#containers.putArchive(found.Id, feedMount, await replacementOf(files), signal)
  }

  /** A network that somebody deleted is made again. */
  async start(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#containers.needOurs(name, 'start', signal)
    try {
      await this.#containers.start(found.Id, signal)
    } catch (error) {
      if (!(error instanceof Fault) || error.reason !== 'NetworkMissing') throw error
      const { client, installation } = this.#containers
      const network = found.HostConfig.NetworkMode
      await ensureNetwork(client, network, installation, signal)
      await rejoinNetwork(client, network, found.Id, signal)
      await this.#containers.start(found.Id, signal)
    }
  }

  async stop(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#containers.findOurs(name, 'stop', signal)
    if (found !== undefined) await this.#containers.stop(found, signal)
  }

  async rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    checkName(to)
    const found = await this.#containers.needOurs(from, 'rename', signal)
    if (nameOf(found) === to) return
    try {
      await this.#containers.renameTo(found.Id, to, signal)
    } catch (error) {
      const holder = statusOf(error) === 409 ? await this.#containers.find(to, signal) : undefined
      if (holder === undefined) throw error
      throw this.#held(to, { id: holder.Id, labels: labelsOf(holder) }, labelsOf(found)[labels.owner])
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#containers.findOurs(name, 'remove', signal)
    if (found !== undefined) await this.#stopAndDiscard(found, signal)
    const { client, installation } = this.#containers
    await deleteLeftVolumes(client, name, installation, signal)
  }

  async connect(name: string, signal: AbortSignal): Promise<void> {
    const found = await this.#containers.needOurs(name, 'connect', signal)
    const { lostNetwork } = workloadOf(found, this.#containers.installation)
    if (lostNetwork === undefined) return
    const { client, installation } = this.#containers
    await ensureNetwork(client, lostNetwork, installation, signal)
    await joinNetwork(client, lostNetwork, found.Id, signal)
  }

  async logs(name: string, lines: number, signal: AbortSignal): Promise<string> {
    const found = await this.#containers.find(name, signal)
    return found === undefined ? '' : this.#containers.logs(found, lines, signal)
  }

  async #stopAndDiscard(found: Inspection, signal: AbortSignal): Promise<void> {
    if (found.State.Status !== 'removing') await this.#containers.stop(found, signal)
    await this.#containers.discard(found, signal)
  }

  #held(name: string, holder: { id: string; labels: Record<string, string> }, owner: string | undefined): Fault {
    return nameHeld(name, holder, { installation: this.#containers.installation, owner })
  }
}
