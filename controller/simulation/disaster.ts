import type { Account } from '../../crds/contract/desired.ts'
import { feedNames, hostNames, namespace } from './declaration.ts'
import type { FolderTrouble } from './folder.ts'
import type { Random } from './random.ts'
import type { SimulatedWorkload } from './workload.ts'
import type { World } from './world.ts'

/** What the world does to the controller's work. Each lasts for a while or leaves things changed. */
type Disaster = (world: World, random: Random) => string | undefined

/** One of those that this run knows. */
export function strike(world: World, known: Disaster[]): void {
  const { random, trace } = world
  const [first, ...rest] = known
  if (!first) return
  const text = random.pick([first, ...rest])(world, random)
  if (text) trace.add('world', text)
}

/** A run knows about half of them. */
export function drawDisasters(random: Random): Disaster[] {
  return disasters.filter(() => random.chance(0.5))
}

const disasters: Disaster[] = [
  hostAway,
  frontDead,
  feedsMute,
  watchdogFlip,
  diskFull,
  secretsMissing,
  secretsRotated,
  folderTrouble,
  (world, random) => drift(world, random, 'kill'),
  (world, random) => drift(world, random, 'stop'),
  (world, random) => drift(world, random, 'remove'),
  (world, random) => drift(world, random, 'rename'),
  (world, random) => drift(world, random, 'disconnect'),
  imagePruned,
  stranger,
]

/** How long something lasts, in ms. */
const lastingMs = (random: Random) => random.pick([300, 3000, 15_000, 40_000])

function hostAway({ engines, scheduler, trace }: World, random: Random): string | undefined {
  const name = random.pick(hostNames)
  const engine = engines.get(name)
  if (!engine || engine.isAway) return undefined
  engine.isAway = true
  scheduler.after(lastingMs(random), () => {
    if (!engine.isAway) return
    engine.isAway = false
    trace.add('world', `${name} is back`)
  })
  return `${name} is away`
}

function frontDead({ feeds, scheduler }: World, random: Random): string {
  const account = random.pick<Account>(['primary', 'backup'])
  feeds.deadAccounts.add(account)
  scheduler.after(lastingMs(random), () => feeds.deadAccounts.delete(account))
  return `the front refuses ${account}`
}

function feedsMute({ feeds, scheduler }: World, random: Random): string {
  feeds.isMute = true
  scheduler.after(lastingMs(random), () => {
    feeds.isMute = false
  })
  return 'feeds do not answer'
}

function watchdogFlip({ feeds }: World, random: Random): string | undefined {
  const publishing = [...feeds.running.values()].filter(feed => feed.isPublishing)
  const feed = publishing[random.below(publishing.length)]
  feed?.flip()
  return feed && `the watchdog of ${feed.workload.name} flips to ${feed.active}`
}

function diskFull({ disk, scheduler }: World, random: Random): string {
  disk.isFull = true
  scheduler.after(lastingMs(random), () => {
    disk.isFull = false
  })
  return 'the disk is full'
}

function secretsMissing({ secrets, scheduler }: World, random: Random): string {
  secrets.isMissing = true
  scheduler.after(lastingMs(random), () => {
    secrets.isMissing = false
  })
  return 'secrets are missing'
}

function secretsRotated({ secrets }: World): string {
  secrets.version++
  return 'secrets are other ones'
}

const troubles = ['away', 'emptied', 'truncated', 'misspelt', 'unreadable'] as const satisfies FolderTrouble[]

function folderTrouble(world: World, random: Random): string {
  const { folder, scheduler } = world
  folder.trouble = random.pick<FolderTrouble>(troubles)
  world.onFolder()
  scheduler.after(lastingMs(random), () => {
    folder.trouble = 'none'
    world.onFolder()
  })
  return `the folder is ${folder.trouble}`
}

function imagePruned({ present }: World, random: Random): string | undefined {
  const images = [...present]
  const image = images[random.below(images.length)]
  return image !== undefined && present.delete(image) ? `${image} is pruned` : undefined
}

/** Somebody takes the name that a feed will want. */
function stranger({ engines }: World, random: Random): string | undefined {
  const host = random.pick(hostNames)
  const name = random.chance(0.3) ? 'somebody-else' : `${namespace}-${random.pick(feedNames)}-r${1 + random.below(5)}`
  const engine = engines.get(host)
  if (!engine || engine.workloads.has(name)) return undefined
  engine.addStranger(name)
  return `a stranger takes the name ${name} on ${host}`
}

type Drift = 'kill' | 'stop' | 'remove' | 'rename' | 'disconnect'

/** Somebody's hand on a container of ours. */
function drift({ engines }: World, random: Random, how: Drift): string | undefined {
  const all = [...engines].flatMap(([host, engine]) =>
    [...engine.workloads.values()].map(workload => ({ host, engine, workload })),
  )
  const ours = all.filter(({ workload }) => !isStranger(workload))
  const target = ours[random.below(ours.length)]
  if (!target) return undefined
  const { host, engine, workload } = target
  const { name } = workload
  if (how === 'kill') workload.kill()
  else if (how === 'stop') void workload.stop()
  else if (how === 'disconnect') {
    workload.isDisconnected = true
    engine.changed(name)
  } else {
    engine.workloads.delete(name)
    if (how === 'remove') void workload.stop()
    else {
      workload.name = `drifted-${workload.id.slice(0, 4)}`
      engine.workloads.set(workload.name, workload)
    }
    engine.changed(name)
  }
  return `${how} ${name} on ${host}`
}

export const isStranger = ({ image }: Pick<SimulatedWorkload, 'image'>) => image === 'stranger'

/** Strangers that hold a name which a feed may want. */
export function removeNameHolders({ engines }: World): void {
  for (const engine of engines.values())
    for (const [name, workload] of engine.workloads)
      if (isStranger(workload) && name.startsWith(namespace)) engine.workloads.delete(name)
}

/** Everything that lasts is over; the images that a registry has can be had. */
export function endDisasters(world: World): void {
  const { engines, feeds, disk, secrets, folder, fates } = world
  for (const engine of engines.values()) engine.isAway = false
  feeds.deadAccounts.clear()
  feeds.isMute = false
  disk.isFull = false
  secrets.isMissing = false
  folder.trouble = 'none'
  fates.isOn = false
  removeNameHolders(world)
}
