import { cp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { ControllerProcess } from './controllerprocess.ts'
import { edit } from './edit.ts'
import { feedPortIn, killWorkloads, reportIn, type Workload, workloadsIn } from './workloads.ts'

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
  workloads(): Workload[]
  stop(): Promise<void>
}

export async function startProcessStage(): Promise<ProcessStage> {
  const { path, remove } = await temporaryDirectory('mainjob')
  const manifests = join(path, 'manifests')
  const feedFile = join(manifests, 'feed.yaml')
  const state = join(path, 'state')
  await cp(join(root, 'examples/quickstart'), manifests, { recursive: true })
  edit(join(manifests, 'host.yaml'), /( +)- \{reference: feedplane\/feed:1\.0.*/, `$&\n$1${more.join('\n$1')}`)
  edit(feedFile, '{progressDeadline: 20s, minHealthy: 2s}', '{progressDeadline: 15s, minHealthy: 1s}')
  const secrets = join(manifests, 'secrets')
  const controller = await ControllerProcess.create({ manifests, secrets, state, resyncMs: 500 })
  const workloads = () => workloadsIn(state)
  const feedPort = () => feedPortIn(state)
  return {
    ...{ manifests, feedFile, controller, workloads, feedPort },
    report: () => reportIn(state),
    async stop() {
      await controller.stop()
      killWorkloads(state)
      await remove()
    },
  }
}

const more = [
  `- {reference: '${images.good}', entry: feed/main.ts, args: ['--another']}`,
  `- {reference: '${images.mute}', entry: bench/lightfeed.ts, args: ['--mute']}`,
]

export function setImage({ feedFile }: ProcessStage, image: string): void {
  edit(feedFile, /image: \S+/, `image: ${image}`)
}
