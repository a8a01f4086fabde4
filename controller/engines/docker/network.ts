import { labels } from '../engine.ts'
import type { DockerClient } from './client.ts'
import { statusOf } from './failure.ts'

/** Makes the network where there is none of that name. One that is there is used as it is, whoever made it. */
export async function ensureNetwork(
  client: DockerClient,
  name: string,
  installation: string,
  signal: AbortSignal,
): Promise<void> {
  if (await exists(client, name, signal)) return
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
