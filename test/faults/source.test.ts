// needs: docker
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import type { SourceView } from '../../controller/api/contract.ts'
import { save } from '../mainjob/edit.ts'
import { sumOf } from '../mainjob/sample.ts'
import { until } from '../services/deadline.ts'
import { type Ground, openGround } from './ground.ts'
import { conditionOf, isReady } from './observation.ts'
import { row } from './row.ts'
import { openWorld, type World } from './world.ts'

// Faults of the declared files.

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
}, 300_000)

afterAll(() => ground?.stop(), 60_000)

row(
  {
    number: 22,
    fault: 'bad, partial, empty and missing YAML',
    injected: 'half a file, an empty file, `rm -rf` of the folder, then all of it back as a ConfigMap has it, and `..data` swaps',
    holds: 'the last good declaration runs on without a write; what is gone is held, not deleted; a swap is taken over',
  },
  () => {
    const { engine, images, namespace } = ground
    return openWorld({
      docker: engine.docker,
      declaration: { namespace: namespace(), image: images.base, feeds: ['a', 'b', 'c'] },
    })
  },
  async ({ world, settled }) => {
    await settled()
    const text = readFileSync(world.feedFile, 'utf8')
    const good = join(world.manifests, '../good')
    cpSync(world.manifests, good, { recursive: true })
    await unharmed(world, async () => {
      writeFileSync(world.feedFile, text.slice(0, text.length / 2 - 20))
      await until('SourceValid to be False', async () => (await conditionOf(world, 'SourceValid'))?.status === 'False')
      save(world.feedFile, '')
      await until('the empty file to be told', () => isDisturbed(world))
      await world.controller.looks(4, world.keys.length)
      save(world.feedFile, text)
      await until('nothing to be wrong', async () => !(await isDisturbed(world)))
      rmSync(world.manifests, { recursive: true })
      await until('the source to be incomplete or held', () => isDisturbed(world))
      await world.controller.looks(4, world.keys.length)
      mountAsConfigMap(world.manifests, good, '..first')
      await until('the feeds to be Ready', () => isReady(world))
      await until('nothing to be wrong', async () => !(await isDisturbed(world)))
    })
    for (const [number, image] of [ground.images.other, ground.images.base].entries()) {
      rewriteImage(good, image)
      swapData(world.manifests, good, `..swap-${number}`)
      const [key = ''] = world.keys
      await until('the swap to be taken over', async () => (await world.controller.view(key)).spec.image === image)
      await until('the feeds to be Ready', () => isReady(world), 90_000)
    }
  },
  240_000,
)

/** Whatever `act` does, no container changes and nothing is written, to an engine or to a feed. */
async function unharmed(world: World, act: () => Promise<void>): Promise<void> {
  const state = async () => {
    const containers = await Promise.all(world.keys.map(key => world.containers(key)))
    return { ids: containers.flat().map(({ ID, State }) => `${ID} ${State}`), writes: await world.controller.writes() }
  }
  const before = await state()
  await act()
  await world.controller.looks(3, world.keys.length)
  expect(await state()).toEqual(before)
}

const heldFeeds = async ({ controller }: World): Promise<number> =>
  sumOf(await controller.metrics(), 'feedplane_source_held_deletions')

/** True while the source tells that it cannot be read whole, has errors or holds deletions. */
async function isDisturbed(world: World): Promise<boolean> {
  const { complete, problems } = await world.controller.get<SourceView>('/api/v1/source')
  return !complete || problems.length > 0 || (await heldFeeds(world)) > 0
}

/** The folder as the kubelet makes it: files are links into `..data`, itself a link to a folder with a name of its own. */
function mountAsConfigMap(manifests: string, from: string, version: string): void {
  mkdirSync(manifests)
  cpSync(from, join(manifests, version), { recursive: true })
  symlinkSync(version, join(manifests, '..data'))
  for (const name of readdirSync(from)) symlinkSync(join('..data', name), join(manifests, name))
}

function swapData(manifests: string, from: string, version: string): void {
  cpSync(from, join(manifests, version), { recursive: true })
  symlinkSync(version, join(manifests, '..data_tmp'))
  renameSync(join(manifests, '..data_tmp'), join(manifests, '..data'))
}

/** Names another image in the first of the feeds. */
function rewriteImage(folder: string, image: string): void {
  const file = join(folder, 'feeds.yaml')
  save(file, readFileSync(file, 'utf8').replace(/image: \S+/, `image: ${image}`))
}
