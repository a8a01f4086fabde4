import { labels } from '../engine.ts'
import { Mutex } from '../mutex.ts'
import type { DockerClient } from './client.ts'
import { statusOf } from './failure.ts'

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
  const path = `/networks/${encodeURIComponent(name)}`
  const ask = (verb: string, more: object) =>
    client.call({
      ...{ method: 'POST', path: `${path}/${verb}`, body: { Container: containerId, ...more }, signal },
      what: `${verb} ${containerId.slice(0, 12)} and network ${name}`,
    })
  await ask('disconnect', { Force: true })
  await ask('connect', {})
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
  try {
    await client.call({ method: 'GET', path: `/networks/${encodeURIComponent(name)}`, what: `inspect network ${name}`, signal })
    return true
  } catch (error) {
    if (statusOf(error) === 404) return false
    throw error
  }
}
