import { existsSync, globSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { ControllerProcess } from './controllerprocess.ts'
import { edit } from './edit.ts'

const root = resolve(import.meta.dirname, '../..')

/** What a Feed may name as its image; `absent` is not in the store. */
export const images = {
  base: 'feedplane/feed:1.0',
  good: 'feedplane/feed:1.1',
  crashing: 'feedplane/feed:broken',
  mute: 'feedplane/feed:mute',
  absent: 'feedplane/feed:absent',
} as const

export const key = 'quickstart/demo'

/** `examples/quickstart` on the process engine, under the real controller. */
export type ProcessStage = {
  manifests: string
  feedFile: string
  controller: ControllerProcess
  /** What the feed itself says, asked past the controller. */
  report(): Promise<FeedReport>
  /** Address and token of the feed's own port, for as long as it lives. */
  feedPort(): { url: string; token: string }
  /** Folders of the workloads that there are, each with its record. */
  workloads(): { name: string; wanted: string; process?: { pid: number } }[]
  stop(): Promise<void>
}

export async function startProcessStage(): Promise<ProcessStage> {
  const { path, remove } = await temporaryDirectory('mainjob')
  const manifests = join(path, 'manifests')
  const feedFile = join(manifests, 'feed.yaml')
  const state = join(path, 'state')
  await cp(join(root, 'examples/quickstart'), manifests, { recursive: true })
  edit(join(manifests, 'host.yaml'), /( +)- \{reference: feedplane\/feed:1\.0.*/, `$&\n$1${more.join('\n$1')}`)
  edit(feedFile, '{progressDeadline: 20s, minHealthy: 2s}', '{progressDeadline: 8s, minHealthy: 1s}')
  const secrets = join(manifests, 'secrets')
  const controller = await ControllerProcess.create({ manifests, secrets, state, resyncMs: 500 })
  const folders = () => globSync('engines/*/workloads/*', { cwd: state }).map(folder => join(state, folder))
  const workloads = () => folders().flatMap(recordsIn)
  const feedPort = () => {
    const [directory = ''] = folders().map(folder => join(folder, 'directory'))
    const read = (file: string) => readFileSync(join(directory, file), 'utf8').trim()
    return { url: `http://127.0.0.1:${read('state/port')}`, token: read('token') }
  }
  return {
    ...{ manifests, feedFile, controller, workloads, feedPort },
    async report() {
      const { url, token } = feedPort()
      const response = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } })
      return (await response.json()) as FeedReport
    },
    async stop() {
      await controller.stop()
      for (const { process: running } of workloads()) if (running) kill(-running.pid)
      await remove()
    },
  }
}

// A folder without a record is no workload: it is in the making, or on its way out.
function recordsIn(folder: string): ReturnType<ProcessStage['workloads']> {
  const file = join(folder, 'workload.json')
  return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8'))] : []
}

const more = [
  `- {reference: '${images.good}', entry: feed/main.ts, args: ['--another']}`,
  `- {reference: '${images.mute}', entry: bench/lightfeed.ts, args: ['--mute']}`,
]

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

export function setImage({ feedFile }: ProcessStage, image: string): void {
  edit(feedFile, /image: \S+/, `image: ${image}`)
}
