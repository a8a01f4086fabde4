// needs: docker
import { afterAll, beforeAll, expect } from 'vitest'
import { edit } from '../mainjob/edit.ts'
import { until } from '../services/deadline.ts'
import { type Ground, openGround } from './ground.ts'
import { untilRuns } from './observation.ts'
import { row } from './row.ts'
import { openWorld, type World } from './world.ts'

// Faults of the controller itself, on the machine's own engine.

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
}, 300_000)

afterAll(() => ground?.stop(), 60_000)

const open = (): Promise<World> => {
  const { engine, images, namespace } = ground
  return openWorld({ docker: engine.docker, declaration: { namespace: namespace(), image: images.base } })
}

const moments = ['RolloutStarted', 'Create', 'Stop', 'Start', 'Proven', 'RolloutComplete']

row(
  {
    number: 1,
    fault: 'the controller dies between calls',
    injected: `SIGKILL at ${moments.length} moments of rollouts (${moments.join(', ')}), and at rest`,
    holds: 'the next one adopts what is there: the declared image in one container; at rest not a single write',
  },
  open,
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
