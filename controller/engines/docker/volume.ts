import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { labels } from '../engine.ts'
import type { DockerClient } from './client.ts'
import { dockerLabels } from './container.ts'
import { statusOf } from './failure.ts'

const volumeSchema = z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() })
const volumesSchema = z.object({ Volumes: z.array(volumeSchema).nullish() })

/**
 * Name for a new workload's volume: the workload's own, or with a random end where that is taken by what is not ours or by a workload that
 * was renamed. A volume of ours that nothing uses is what a crash left, and is deleted.
 */
export async function freeVolume(client: DockerClient, name: string, installation: string, signal: AbortSignal): Promise<string> {
  const taken = (await find(client, name, signal)) !== undefined
  if (!taken || (await deleteVolume(client, name, installation, signal))) return name
  return `${name}-${randomBytes(4).toString('hex')}`
}

/** Deletes a volume that is ours and that nothing uses. False where it stays. */
export async function deleteVolume(
  client: DockerClient,
  name: string,
  installation: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await find(client, name, signal)
  if (found === undefined) return true
  if (found.Labels?.[labels.installation] !== installation) return false
  try {
    await client.call({ method: 'DELETE', path: pathOf(name), what: `delete volume ${name}`, signal })
    return true
  } catch (error) {
    if (statusOf(error) === 409) return false
    if (statusOf(error) === 404) return true
    throw error
  }
}

/** Deletes what a removal left that ended between container and volume. */
export async function deleteLeftVolumes(
  client: DockerClient,
  workload: string,
  installation: string,
  signal: AbortSignal,
): Promise<void> {
  const label = [`${labels.installation}=${installation}`, `${dockerLabels.workload}=${workload}`]
  const query = { filters: JSON.stringify({ dangling: ['true'], label }) }
  const found = await client.read(volumesSchema, { method: 'GET', path: '/volumes', query, what: 'list volumes', signal })
  for (const { Name } of found.Volumes ?? []) await deleteVolume(client, Name, installation, signal)
}

async function find(client: DockerClient, name: string, signal: AbortSignal): Promise<z.infer<typeof volumeSchema> | undefined> {
  try {
    return await client.read(volumeSchema, { method: 'GET', path: pathOf(name), what: `inspect volume ${name}`, signal })
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

const pathOf = (name: string): string => `/volumes/${encodeURIComponent(name)}`
