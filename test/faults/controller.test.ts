// needs: docker
import { cpSync } from 'node:fs'
import { afterAll, beforeAll, expect } from 'vitest'
import { feedDirectory } from '../../crds/contract/desired.ts'
import type { FeedStatus } from '../../crds/feed.ts'
import { ControllerProcess } from '../mainjob/controllerprocess.ts'
import { edit } from '../mainjob/edit.ts'
import { until } from '../services/deadline.ts'
import { type Ground, openGround } from './ground.ts'
import { untilRuns } from './observation.ts'
import { row } from './row.ts'
import { openWorld, resyncMs, secretsDirectory, type World } from './world.ts'

// Faults of the controller itself, on the machine's own engine.

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
}, 300_000)

afterAll(() => ground?.stop(), 60_000)

const open = (backup = false): Promise<World> => {
  const { engine, images, namespace } = ground
  return openWorld({ docker: engine.docker, declaration: { namespace: namespace(), image: images.base, backup } })
}

const moments = ['RolloutStarted', 'Create', 'Stop', 'Start', 'Proven', 'RolloutComplete']

row(
  {
    number: 1,
    fault: 'the controller dies between calls',
    injected: `SIGKILL at ${moments.length} moments of rollouts (${moments.join(', ')}), and at rest`,
    holds: 'the next one adopts what is there: the declared image in one container; at rest not a single write',
  },
  () => open(),
  async ({ world, settled }) => {
    const { controller, feedFile } = world
    await settled()
    let image = ground.images.base
    for (const moment of moments) {
      image = image === ground.images.base ? ground.images.other : ground.images.base
      const killed = controller.killAt(line => line.action === moment || line.reason === moment, AbortSignal.timeout(60_000))
      edit(feedFile, /image: \S+/, `image: ${image}`)
      await killed
      await controller.start()
      await untilRuns(world, image)
    }
    await until('one container', async () => (await world.containers()).length === 1)
    await controller.looks(2)
    await controller.kill()
    await controller.start()
    await controller.looks(4)
    expect(await controller.writes()).toEqual({ engine: 0, feed: 0 })
  },
  240_000,
)

row(
  {
    number: 21,
    fault: 'two controllers',
    injected:
      'SIGSTOP of the first, a second one on a copy of its state, a failover, SIGCONT of the first; the desired state of before put once more',
    holds: 'both come to rest at one epoch, the gate stays where the edit put it; the old desired state gets 409 StaleEpoch',
  },
  () => open(true),
  async ({ world, settled }) => {
    const { controller, docker, feedFile, manifests } = world
    await settled()
    const [key = ''] = world.keys
    const status = async (of = controller) => (await of.view(key)).status as FeedStatus
    const { epoch = 0, endpoint, container = '' } = await status()
    process.kill(controller.pid, 'SIGSTOP')
    const state = `${world.state}-copy`
    cpSync(world.state, state, { recursive: true })
    const second = await ControllerProcess.create({ manifests, secrets: secretsDirectory, state, resyncMs })
    try {
      await second.start()
      edit(feedFile, 'active: primary', 'active: backup')
      await until('the failover', async () => (await status(second)).active === 'backup')
      process.kill(controller.pid, 'SIGCONT')
      await until('the first to see it', async () => (await status()).active === 'backup')
      await Promise.all([controller.looks(6), second.looks(6)])
      const rested = await status()
      await Promise.all([controller.looks(6), second.looks(6)])
      const seen = [await status(), await status(second)].map(({ active, epoch: at }) => ({ active, epoch: at }))
      expect(seen).toEqual(Array(2).fill({ active: 'backup', epoch: rested.epoch }))
      expect(rested.epoch).toBeGreaterThan(epoch)
      const read = (file: string) => docker('exec', container, 'cat', `/var/lib/feedplane/${file}`)
      const authorization = `Bearer ${await read(feedDirectory.token)}`
      const headers = { authorization, 'content-type': 'application/json' }
      const answer = await fetch(`${endpoint}/v1/desired`, {
        method: 'PUT',
        headers,
        body: await read(feedDirectory.desired),
      })
      expect([answer.status, await answer.text()]).toEqual([409, expect.stringContaining('StaleEpoch')])
    } finally {
      process.kill(controller.pid, 'SIGCONT')
      await second.stop()
    }
  },
  180_000,
)
