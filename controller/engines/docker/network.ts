import * as z from 'zod'
import { labels } from '../engine.ts'
import { Mutex } from '../mutex.ts'
import type { DockerClient } from './client.ts'
import { statusOf } from './failure.ts'

const networkSchema = z.object({ Labels: z.record(z.string(), z.string()).nullish() })
const usersSchema = z.array(z.object({ Id: z.string() }))

// The engine's own check for duplicates is no lock: several creations at once make several networks of one name, and no container
// starts on an ambiguous one. For all engines of the process, because two Hosts may mean the same engine.
const making = new Mutex()

/** Makes the network where there is none of that name. One that is there is used as it is, whoever made it. */
export async function ensureNetwork(
  client: DockerClient,
  name: string,
  installation: string,
  signal: AbortSignal,
): Promise<void> {
  if (await exists(client, name, signal)) return
  await making.run(signal, async () => {
    if (!(await exists(client, name, signal))) await make(client, name, installation, signal)
  })
}

/**
 * Joins a stopped container to the network of that name anew. Once started it keeps the id of the network that it was on, and another one made
 * under the same name is not that: without this no start succeeds.
 */
export async function rejoinNetwork(client: DockerClient, name: string, containerId: string, signal: AbortSignal): Promise<void> {
  await change(client, name, 'disconnect', { Container: containerId, Force: true }, signal)
  await joinNetwork(client, name, containerId, signal)
}

/** Puts a container on the network, running or not. */
export async function joinNetwork(client: DockerClient, name: string, containerId: string, signal: AbortSignal): Promise<void> {
  await change(client, name, 'connect', { Container: containerId }, signal)
}

/** Removes a network of this installation that no container is on. The engine itself keeps one with a running container, whatever we saw. */
export async function releaseNetwork(
  client: DockerClient,
  name: string,
  installation: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await find(client, name, signal)
  if (found?.Labels?.[labels.installation] !== installation) return
  const query = { all: 'true', filters: JSON.stringify({ network: [name] }) }
  const users = await client.read(usersSchema, {
    method: 'GET',
    path: '/containers/json',
    query,
    what: 'list containers',
    signal,
  })
  if (users.length > 0) return
  try {
    await client.call({ method: 'DELETE', path: pathOf(name), what: `remove network ${name}`, signal })
  } catch (error) {
    if (![403, 404, 409].includes(statusOf(error) ?? 0)) throw error
  }
}

async function change(
  client: DockerClient,
  name: string,
  verb: string,
  body: { Container: string; Force?: true },
  signal: AbortSignal,
) {
  const what = `${verb} ${body.Container.slice(0, 12)} and network ${name}`
  await client.call({ method: 'POST', path: `${pathOf(name)}/${verb}`, body, what, signal })
}

async function make(client: DockerClient, name: string, installation: string, signal: AbortSignal): Promise<void> {
  const body = { Name: name, Driver: 'bridge', CheckDuplicate: true, Labels: { [labels.installation]: installation } }
  try {
    await client.call({ method: 'POST', path: '/networks/create', body, what: `create network ${name}`, signal })
  } catch (error) {
    if (statusOf(error) !== 409) throw error
  }
}

async function exists(client: DockerClient, name: string, signal: AbortSignal): Promise<boolean> {
  return (await find(client, name, signal)) !== undefined
}

async function find(client: DockerClient, name: string, signal: AbortSignal): Promise<z.infer<typeof networkSchema> | undefined> {
  try {
    return await client.read(networkSchema, { method: 'GET', path: pathOf(name), what: `inspect network ${name}`, signal })
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

const pathOf = (name: string): string => `/networks/${encodeURIComponent(name)}`
