import * as z from 'zod'
import { stalled } from '../../../crds/contract/fault.ts'
import { labels, type WorkloadSpec } from '../engine.ts'
import { nameHeld, ownerOf } from '../ownership.ts'
import { archiveOf } from './archive.ts'
import { containerOf, feedMount, ownLabels } from './container.ts'
import type { Containers } from './containers.ts'
import { statusOf } from './failure.ts'
import { ensureNetwork } from './network.ts'
import { freeVolume } from './volume.ts'

const createdSchema = z.object({ Id: z.string() })

/** Ends the name of a container that has not got its files yet. */
const unfinished = '_creating'
const cleanupTimeoutMs = 15_000

export const isUnfinished = (name: string): boolean => name.endsWith(unfinished)

/**
 * Creates a container in three steps: under an unfinished name, then its files, then its name. The rename is the commit: whatever has a
 * workload's name has its files, wherever the controller died.
 */
export async function createContainer(containers: Containers, spec: WorkloadSpec, signal: AbortSignal): Promise<string> {
  const { client, installation } = containers
  const [volume] = await Promise.all([
    freeVolume(client, spec.name, installation, signal),
    ensureNetwork(client, spec.network, installation, signal),
    checkFree(containers, spec, signal),
  ])
  const archive = await archiveOf(spec.files)
  const id = await makeUnfinished(containers, spec, volume, signal)
  try {
    await containers.putArchive(id, feedMount, archive, signal)
    await containers.renameTo(id, spec.name, signal)
    return id
  } catch (error) {
    await discard(containers, id)
    if (statusOf(error) === 409) await checkFree(containers, spec, signal)
    throw error
  }
}

/** Throws where the name is held. A holder of ours that is on its way out is waited for. */
async function checkFree(containers: Containers, spec: WorkloadSpec, signal: AbortSignal): Promise<void> {
  const holder = await containers.find(spec.name, signal)
  if (holder === undefined) return
  const wanted = { installation: containers.installation, owner: spec.labels[labels.owner] }
  const found = { id: holder.Id, labels: holder.Config.Labels ?? {} }
  if (holder.State.Status !== 'removing' || ownerOf(found.labels, wanted.installation) === undefined)
    throw nameHeld(spec.name, found, wanted)
  await containers.waitUntilGone(holder.Id, signal)
}

// An unfinished one of this name is what a controller left that died: one engine object creates a name once at a time.
async function makeUnfinished(containers: Containers, spec: WorkloadSpec, volume: string, signal: AbortSignal): Promise<string> {
  try {
    return await post(containers, spec, volume, signal)
  } catch (error) {
    if (statusOf(error) !== 409) throw error
    const left = await containers.find(spec.name + unfinished, signal)
    if (left !== undefined) await clear(containers, left, spec, signal)
    return post(containers, spec, volume, signal)
  }
}

async function clear(
  containers: Containers,
  left: NonNullable<Awaited<ReturnType<Containers['find']>>>,
  spec: WorkloadSpec,
  signal: AbortSignal,
): Promise<void> {
  const found = ownerOf(left.Config.Labels ?? {}, containers.installation)
  const name = spec.name + unfinished
  if (found === undefined)
    throw stalled('NameTaken', `the name ${name} is taken by a container that Feedplane did not make: rename that`)
  await containers.discard(left, signal)
}

async function post(containers: Containers, spec: WorkloadSpec, volume: string, signal: AbortSignal): Promise<string> {
  const { client, installation } = containers
  const created = await client.read(createdSchema, {
    ...{
      method: 'POST',
      path: '/containers/create',
      query: { name: spec.name + unfinished },
      what: `create ${spec.name}`,
      signal,
    },
    body: containerOf({ ...spec, labels: ownLabels(spec, installation) }, volume, installation),
  })
  return created.Id
}

// At best: what stays is listed, and cleared by the next creation.
async function discard(containers: Containers, id: string): Promise<void> {
  const signal = AbortSignal.timeout(cleanupTimeoutMs)
  const left = await containers.find(id, signal).catch(() => undefined)
  if (left !== undefined) await containers.discard(left, signal).catch(() => undefined)
}
