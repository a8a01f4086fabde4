import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'

/** What the process engine of a controller runs, as its record says. */
export type Workload = { name: string; wanted: string; process?: { pid: number } }

/** The workloads that a controller with this state folder has. A folder without a record is none: it is in the making, or on its way out. */
export function workloadsIn(state: string): Workload[] {
  const files = foldersIn(state).map(folder => join(folder, 'workload.json'))
  return files.filter(file => existsSync(file)).map(file => JSON.parse(readFileSync(file, 'utf8')) as Workload)
}

/** Address and token of the port of the first feed, for as long as that lives. */
export function feedPortIn(state: string): { url: string; token: string } {
  const [directory = ''] = foldersIn(state).map(folder => join(folder, 'directory'))
  const read = (file: string) => readFileSync(join(directory, file), 'utf8').trim()
  return { url: `http://127.0.0.1:${read('state/port')}`, token: read('token') }
}

/** What the first feed itself says, asked past the controller. */
export async function reportIn(state: string): Promise<FeedReport> {
  const { url, token } = feedPortIn(state)
  const response = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } })
  return (await response.json()) as FeedReport
}

/** Ends the workloads with their children, whatever the controller wants. */
export function killWorkloads(state: string): void {
  for (const { process: running } of workloadsIn(state)) if (running) kill(-running.pid)
}

const foldersIn = (state: string): string[] =>
  globSync('engines/*/workloads/*', { cwd: state }).map(folder => join(state, folder))

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
