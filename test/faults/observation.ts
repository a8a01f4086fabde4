import type { Condition } from '../../crds/contract/resource.ts'
import { until } from '../services/deadline.ts'
import type { World } from './world.ts'

/** How long a feed may take for what it does in seconds where the machine has nothing else to do, in ms. */
const patienceMs = 90_000

/** True once every feed is Ready as it is declared. */
export async function isReady({ controller, keys }: World): Promise<boolean> {
  const views = await Promise.all(keys.map(key => controller.view(key)))
  return views.every(({ metadata, status: { conditions = [], observedGeneration } }) => {
    const isTrue = (type: string) => conditions.some(found => found.type === type && found.status === 'True')
    return observedGeneration === metadata.generation && isTrue('Ready') && !isTrue('Reconciling')
  })
}

/** Waits until the first feed, and every other one, is Ready, and the first one with that image. */
export async function untilRuns(world: World, image: string): Promise<void> {
  const [key = ''] = world.keys
  const runs = async () => (await world.controller.view(key)).spec.image === image && (await isReady(world))
  await until(`the feed to run ${image}`, runs, patienceMs)
}

/** A condition of the first feed, where it has it. */
export async function conditionOf({ controller, keys }: World, type: string): Promise<Condition | undefined> {
  const { status } = await controller.view(String(keys[0]))
  return status.conditions?.find(found => found.type === type)
}

/** Waits until a condition or an event of the first feed speaks of a reason. */
export async function untilTold({ controller, keys }: World, reason: string): Promise<void> {
  const [key = ''] = keys
  const told = async () => {
    const { conditions = [] } = (await controller.view(key)).status
    return [...conditions, ...(await controller.events(key))].some(
      each => each.reason === reason || each.message.includes(reason),
    )
  }
  await until(`${reason} to be told`, told, patienceMs)
}
