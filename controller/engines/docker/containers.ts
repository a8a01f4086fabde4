import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { transient } from '../../../crds/contract/fault.ts'
import { labels } from '../engine.ts'
import { notOurs, ownerOf } from '../ownership.ts'
import { isName } from '../specification.ts'
import type { DockerClient } from './client.ts'
import { feedMount } from './container.ts'
import { statusOf } from './failure.ts'
import { type Inspection, inspectionSchema, labelsOf, nameOf } from './inspection.ts'
import { decodeLogs } from './logs.ts'
import { deleteVolume } from './volume.ts'

const summarySchema = z.array(z.object({ Id: z.string() }))
const removalPollMs = 100
const defaultGraceS = 10

/**
 * Containers of one installation on one engine. What writes takes an id or an inspection: by then the labels have been seen, and an id
 * cannot come to mean another container as a name can.
 */
export class Containers {
  readonly client: DockerClient
  readonly installation: string
  readonly #callTimeoutMs: number

  constructor(client: DockerClient, installation: string, callTimeoutMs: number) {
    this.client = client
    this.installation = installation
    this.#callTimeoutMs = callTimeoutMs
  }

  /** Those of this installation, unfinished ones too. */
  async list(signal: AbortSignal): Promise<Inspection[]> {
    const label = [labels.owner, `${labels.installation}=${this.installation}`]
    const query = { all: 'true', filters: JSON.stringify({ label }) }
    const found = await this.client.read(summarySchema, {
      method: 'GET',
      path: '/containers/json',
      query,
      what: 'list containers',
      signal,
    })
    const inspections = await Promise.all(found.map(({ Id }) => this.find(Id, signal)))
    return inspections.filter(inspection => inspection !== undefined)
  }

  /** By whole name or whole id: the engine would also take the first letters of an id for a name. */
  async find(nameOrId: string, signal: AbortSignal): Promise<Inspection | undefined> {
    if (!isName(nameOrId)) return undefined
    const path = `${pathOf(nameOrId)}/json`
    try {
      const found = await this.client.read(inspectionSchema, { method: 'GET', path, what: `inspect ${nameOrId}`, signal })
      return found.Id === nameOrId || nameOf(found) === nameOrId ? found : undefined
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw error
    }
  }

  /** As `find`, for writing: throws `NotOurs` for a stranger. */
  async findOurs(nameOrId: string, verb: string, signal: AbortSignal): Promise<Inspection | undefined> {
    const found = await this.find(nameOrId, signal)
    if (found !== undefined && ownerOf(labelsOf(found), this.installation) === undefined) throw notOurs(nameOrId, verb)
    return found
  }

  /** As `findOurs`; absence throws transient `WorkloadMissing`. */
  async needOurs(nameOrId: string, verb: string, signal: AbortSignal): Promise<Inspection> {
    const found = await this.findOurs(nameOrId, verb, signal)
    if (found === undefined) throw transient('WorkloadMissing', `cannot ${verb} ${nameOrId}: there is no such container`)
    return found
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.client.call({ method: 'POST', path: `${pathOf(id)}/start`, what: `start ${id.slice(0, 12)}`, signal })
  }

  /** Resolves when it has stopped; the engine waits for the container's own grace time before it kills. */
  async stop(found: Inspection, signal: AbortSignal): Promise<void> {
    const path = pathOf(found.Id)
    const what = `stop ${nameOf(found)}`
    const graceS = found.Config.StopTimeout ?? defaultGraceS
    const deadlineMs = graceS * 1000 + this.#callTimeoutMs
    // A frozen process gets no signal.
    if (found.State.Status === 'paused') await this.client.call({ method: 'POST', path: `${path}/unpause`, what, signal })
    await this.client.call({ method: 'POST', path: `${path}/stop`, query: { t: String(graceS) }, what, signal, deadlineMs })
  }

  async renameTo(id: string, name: string, signal: AbortSignal): Promise<void> {
    await this.client.call({ method: 'POST', path: `${pathOf(id)}/rename`, query: { name }, what: `rename to ${name}`, signal })
  }

  async putArchive(id: string, path: string, archive: Buffer, signal: AbortSignal): Promise<void> {
    const what = `write files to ${id.slice(0, 12)}`
    await this.client.call({ method: 'PUT', path: `${pathOf(id)}/archive`, query: { path }, archive, what, signal })
  }

  /** Kills and removes a container, its volume and the anonymous volumes that its image asks for. */
  async discard(found: Inspection, signal: AbortSignal): Promise<void> {
    const query = { force: 'true', v: 'true' }
    try {
      await this.client.call({ method: 'DELETE', path: pathOf(found.Id), query, what: `remove ${nameOf(found)}`, signal })
    } catch (error) {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
    }
    await this.waitUntilGone(found.Id, signal)
    const own = found.Mounts.find(({ Type, Destination }) => Type === 'volume' && Destination === feedMount)
    if (own?.Name !== undefined) await deleteVolume(this.client, own.Name, this.installation, signal)
  }

  /** The engine may still be removing after it has answered, or be asked by somebody else. Throws transient `RemovalInProgress`. */
  async waitUntilGone(id: string, signal: AbortSignal): Promise<void> {
    const end = performance.now() + this.#callTimeoutMs
    while ((await this.find(id, signal)) !== undefined) {
      if (performance.now() > end) throw transient('RemovalInProgress', `Docker has not yet removed ${id.slice(0, 12)}`)
      await delay(removalPollMs)
    }
  }

  async logs(found: Inspection, lines: number, signal: AbortSignal): Promise<string> {
    const query = { stdout: 'true', stderr: 'true', tail: String(lines) }
    const data = await this.client.call({
      method: 'GET',
      path: `${pathOf(found.Id)}/logs`,
      query,
      what: `read logs of ${nameOf(found)}`,
      signal,
    })
    return decodeLogs(data, found.Config.Tty)
  }
}

const pathOf = (nameOrId: string): string => `/containers/${encodeURIComponent(nameOrId)}`
