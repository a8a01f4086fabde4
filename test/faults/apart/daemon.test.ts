// needs: docker
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect } from 'vitest'
import { edit } from '../../mainjob/edit.ts'
import { until } from '../../services/deadline.ts'
import { type SecondDocker, startSecondDocker } from '../../services/seconddocker.ts'
import { type Ground, openGround } from '../ground.ts'
import { manifestsOf } from '../manifest.ts'
import { conditionOf, isReady, untilRuns } from '../observation.ts'
import { row } from '../row.ts'
import { openWorld, type World } from '../world.ts'

// Faults of the engine itself: a second one of the suite's own is restarted, frozen and filled.

const run = promisify(execFile)
const diskBytes = 1_500_000_000

let ground: Ground
let second: SecondDocker

beforeAll(async () => {
  ;[ground, second] = await Promise.all([openGround(), startSecondDocker(diskBytes)])
  for (const image of [ground.images.base, ground.images.other, 'busybox:1.36']) await second.load(image)
}, 300_000)

afterAll(async () => {
  await second?.stop()
  await ground?.stop()
}, 120_000)

// A row that failed may have left it ended or frozen.
const open = async (): Promise<World> => {
  await second.start()
  const declaration = { namespace: ground.namespace(), image: ground.images.base, endpoint: second.endpoint }
  return openWorld({ docker: second.docker, declaration })
}

row(
  {
    number: 5,
    fault: 'dockerd restarts',
    injected: 'a dockerd of the suite’s own: SIGTERM and start, SIGKILL and start',
    holds: 'Ready=Unknown with EngineUnreachable, no write; then the same container runs again',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const [was] = await world.containers()
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await second.end(signal)
      await untilUnknown(world, 'EngineUnreachable')
      const writes = await world.controller.writes()
      await world.controller.looks(3)
      expect(await world.controller.writes()).toEqual(writes)
      await second.start()
      await until('the feed to be Ready', () => isReady(world), 90_000)
      expect((await world.containers()).map(({ ID }) => ID)).toEqual([was?.ID])
    }
    await second.docker('start', `${world.namespace}-stranger`)
  },
  240_000,
)

row(
  {
    number: 6,
    fault: 'dockerd frozen',
    injected: 'SIGSTOP of a dockerd of the suite’s own; an edit of its feed, and of one on another host (processes)',
    holds:
      'the feed on the other host takes its edit over meanwhile; EngineTimeout at the 30 s deadline; after SIGCONT both converge',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const other = addOtherHost(world)
    try {
      await until('the other feed to be Ready', () => isReady(other), 60_000)
      second.freeze()
      edit(world.feedFile, /image: \S+/, `image: ${ground.images.other}`)
      edit(other.feedFile, /image: \S+/, `image: ${processImages.other}`)
      await untilRuns(other, processImages.other)
      await untilUnknown(world, 'EngineTimeout')
    } finally {
      second.thaw()
      await removeOtherHost(other)
    }
    await untilRuns(world, ground.images.other)
  },
  300_000,
)

const processImages = { base: 'feedplane/feed:1.0', other: 'feedplane/feed:1.1' }

const processEngine = `{type: process, images: [{reference: '${processImages.base}', entry: feed/main.ts}, {reference: '${processImages.other}', entry: feed/main.ts, args: ['--again']}]}`

/** A feed of another namespace, on processes, under the same controller. */
function addOtherHost(world: World): World {
  const namespace = `${world.namespace}-other`
  const files = manifestsOf({ namespace, image: processImages.base, engine: processEngine })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(world.manifests, `other-${name}`), text)
  const feedFile = join(world.manifests, 'other-feeds.yaml')
  return { ...world, namespace, feedFile, keys: [`${namespace}/feed`] }
}

// Processes outlive their controller.
async function removeOtherHost({ controller, feedFile, keys }: World): Promise<void> {
  await rm(feedFile)
  await until(
    'the other feed to be gone',
    () =>
      controller.view(String(keys[0])).then(
        () => false,
        () => true,
      ),
    60_000,
  )
}

row(
  {
    number: 16,
    fault: 'the disk is full',
    injected: 'a file that fills the data root (ext4 on a loop device) of a dockerd of the suite’s own; an image edit',
    holds: 'DiskFull is told, what runs goes on; with space again the edit is carried out',
  },
  open,
  async ({ world, settled }) => {
    await settled()
    const [was] = await world.containers()
    const filler = join(second.dataRoot, 'filler')
    await fill(filler)
    try {
      edit(world.feedFile, /image: \S+/, `image: ${ground.images.other}`)
      await until('DiskFull to be told', async () => {
        const [key = ''] = world.keys
        const told = (await world.controller.events(key)).some(({ message }) => message.includes('DiskFull'))
        return told || (await conditionOf(world, 'Reconciling'))?.message.includes('DiskFull')
      })
      expect((await world.containers()).filter(({ State }) => State === 'running').map(({ ID }) => ID)).toEqual([was?.ID])
    } finally {
      await rm(filler, { force: true })
    }
    await untilRuns(world, ground.images.other)
  },
  180_000,
)

/** Takes every block that is left. */
async function fill(file: string): Promise<void> {
  await expect(run('sh', ['-c', 'exec cat /dev/zero >> "$1"', 'fill', file])).rejects.toThrow('No space left on device')
}

async function untilUnknown(world: World, reason: string): Promise<void> {
  await until(
    `Ready=Unknown with ${reason}`,
    async () => {
      const ready = await conditionOf(world, 'Ready')
      return ready?.status === 'Unknown' && ready.reason === reason
    },
    90_000,
  )
}
