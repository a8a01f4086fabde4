import { existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Drift } from '../../controller/simulation/act.ts'
import { killWorkloads, type Workload } from '../mainjob/workloads.ts'
import type { Found, Ground } from './stage.ts'

/** Light feeds as processes. What is done behind the controller's back is done to processes and folders, as a person would. */
export async function openProcessGround(state: string): Promise<Ground> {
  const light = (reference: string, ...args: string[]) => ({ reference, entry: 'bench/lightfeed.ts', args })
  const images = [
    light('light:good-1'),
    light('light:good-2', '--again'),
    light('light:never-logs-in', '--mute'),
    { reference: 'light:crashes', entry: 'examples/quickstart/images/broken.ts' },
  ]
  return {
    host: { engine: { type: 'process', images } },
    namespace: 'model',
    reference: image => `light:${image}`,
    workloads: async () => recordsIn(state).map(foundOf),
    drifts: ['kill', 'stop', 'remove'],
    async drift(how, { name }) {
      const record = recordsIn(state).find(({ workload }) => workload.name === name)
      if (record) driftTo(how, record)
    },
    async stop() {
      killWorkloads(state)
    },
  }
}

type Record = { folder: string; workload: Workload }

// A folder without a record is no workload: it is in the making, or on its way out.
function recordsIn(state: string): Record[] {
  const files = globSync('engines/*/workloads/*/workload.json', { cwd: state }).map(file => join(state, file))
  return files.flatMap(file => {
    try {
      return [{ folder: dirname(file), workload: JSON.parse(readFileSync(file, 'utf8')) as Workload }]
    } catch {
      return []
    }
  })
}

function foundOf({ folder, workload }: Record): Found {
  const isRunning = workload.wanted === 'running' && isAlive(workload)
  const file = join(folder, 'directory/state/port')
  const endpoint = isRunning && existsSync(file) ? `http://127.0.0.1:${readFileSync(file, 'utf8').trim()}` : undefined
  return { name: workload.name, isRunning, endpoint }
}

function driftTo(how: Drift, { folder, workload }: Record): void {
  send(how === 'stop' ? 'SIGTERM' : 'SIGKILL', workload)
  if (how === 'remove') rmSync(folder, { recursive: true, force: true })
}

const isAlive = (workload: Workload): boolean => send(0, workload)

function send(signal: NodeJS.Signals | 0, { process: running }: Workload): boolean {
  if (!running) return false
  try {
    return process.kill(-running.pid, signal)
  } catch {
    return false
  }
}
