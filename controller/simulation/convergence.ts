import { type FeedName, imageReference, keyOf, manyInstruments, type Wish, workingImages } from './declaration.ts'
import { isStranger } from './disaster.ts'
import { digestOf } from './engine.ts'
import type { Violation } from './oversight.ts'
import type { World } from './world.ts'

/** What must hold once the world has been well for a while. */
export const finalInvariants = {
  'deletion-leaves-nothing': 'of a feed that is no longer declared nothing is left: no container, no memory, no status',
  'edit-answered': 'the newest declaration is observed, and nothing is in progress',
  'status-true': 'Ready means that it publishes; a bad image is Stalled and the last good one publishes',
  'runs-as-declared': 'image, host, account and instruments are those that were declared, in one container',
  'quiet-when-converged': 'two resyncs and a restart of the controller write nothing, to engine, feed or disk',
} as const

/** The first thing that is not as it should be. */
export function complaintOf(world: World): Violation | undefined {
  for (const [name, wish] of world.wishes) {
    const found = wish.isDeclared ? ofDeclared(name, wish, world) : ofDeleted(name, world)
    if (found) return found
  }
  const [unready] = world.view.unready()
  return unready === undefined ? undefined : { invariant: 'status-true', message: unready }
}

const workloadsOf = (name: FeedName, { engines }: World) =>
  [...engines].flatMap(([host, { workloads }]) =>
    [...workloads.values()]
      .filter(workload => !isStranger(workload) && workload.spec.labels['dev.feedplane.owner'] === `Feed/${keyOf(name)}`)
      .map(workload => ({ host, workload })),
  )

function ofDeleted(name: FeedName, world: World): Violation | undefined {
  const key = keyOf(name)
  const { view } = world
  const left = [
    ...workloadsOf(name, world).map(({ host, workload }) => `${workload.name} on ${host}`),
    ...(view.memory(key) ? ['its memory'] : []),
    ...(view.status(key) ? ['its status'] : []),
  ]
  return left.length > 0
    ? { invariant: 'deletion-leaves-nothing', message: `${key} is deleted and leaves ${left.join(', ')}` }
    : undefined
}

function ofDeclared(name: FeedName, wish: Wish, world: World): Violation | undefined {
  const key = keyOf(name)
  const declared = world.view.declared(key)
  const status = world.view.status(key)
  const condition = (type: string) => status?.conditions?.find(candidate => candidate.type === type)
  const answer = (message: string): Violation => ({ invariant: 'edit-answered', message: `${key}: ${message}` })
  if (!declared) return answer('it is not taken over')
  if (status?.observedGeneration !== declared.generation)
    return answer(`generation ${declared.generation}, observed ${status?.observedGeneration}`)
  const reconciling = condition('Reconciling')
  if (reconciling) return answer(`in progress: ${reconciling.reason}: ${reconciling.message}`)
  const truth = (message: string): Violation => ({ invariant: 'status-true', message: `${key}: ${message}` })
  const ready = condition('Ready')
  const all = workloadsOf(name, world)
  const publishing = [...world.feeds.running.values()].filter(feed => feed.desired.feed === key && feed.isPublishing)
  if (ready?.status === 'True' && publishing.length !== 1) return truth(`Ready, and ${publishing.length} publish`)
  if (wish.isStopped) return ofStopped(name, world)
  if (!workingImages.has(wish.image)) {
    if (ready?.status !== 'False' || !condition('Stalled'))
      return truth(`${wish.image} and Ready=${ready?.status} ${ready?.reason}`)
    const isBack = condition('RolledBack') !== undefined
    if (isBack && (publishing.length !== 1 || all.length !== 1))
      return truth(`rolled back, ${publishing.length} publish, ${all.length} are there`)
    return undefined
  }
  if (ready?.status !== 'True') return truth(`${wish.image} and Ready=${ready?.status} ${ready?.reason}: ${ready?.message}`)
  return ofRunning(name, wish, world)
}

function ofStopped(name: FeedName, world: World): Violation | undefined {
  const all = workloadsOf(name, world)
  const conditions = world.view.status(keyOf(name))?.conditions
  const isSaid = conditions?.some(({ type, status }) => type === 'Stopped' && status === 'True')
  const wrong: [boolean, string][] = [
    [!isSaid, 'no condition says so'],
    [all.some(({ workload }) => workload.state === 'running' || workload.state === 'restarting'), 'something of it runs'],
    [all.length > 1, `${all.length} containers are kept`],
  ]
  const found = wrong.find(([isWrong]) => isWrong)
  return found && { invariant: 'status-true', message: `${keyOf(name)} is declared Stopped: ${found[1]}` }
}

function ofRunning(name: FeedName, wish: Wish, world: World): Violation | undefined {
  const key = keyOf(name)
  const status = world.view.status(key)
  const all = workloadsOf(name, world)
  const [only] = all
  const feed = [...world.feeds.running.values()].find(candidate => candidate.workload === only?.workload)
  const instruments = feed?.desired.live.instrumentGroups.reduce((sum, group) => sum + group.instruments.length, 0)
  const wrong: [boolean, string][] = [
    [all.length !== 1, `${all.map(({ host, workload }) => `${workload.name} on ${host}`).join(', ')} are there`],
    [only?.host !== wish.host, `on ${only?.host} instead of ${wish.host}`],
    [only?.workload.image !== imageReference(wish.image), `${only?.workload.image} instead of ${wish.image}`],
    [status?.image !== digestOf(imageReference(wish.image)), `the status says ${status?.image}`],
    [status?.epoch !== feed?.gate?.epoch, `epoch ${feed?.gate?.epoch}, the status says ${status?.epoch}`],
    [status?.active !== feed?.gate?.account, `account ${feed?.gate?.account}, the status says ${status?.active}`],
    [instruments !== (wish.set === 'few' ? world.shared.few : manyInstruments), `${instruments} instruments`],
    [
      status?.activeReason === 'Declared' && feed?.gate?.account !== (wish.hasBackup ? wish.active : 'primary'),
      `${feed?.gate?.account} publishes`,
    ],
  ]
  const found = wrong.find(([isWrong]) => isWrong)
  return found && { invariant: 'runs-as-declared', message: `${key}: ${found[1]}` }
}
