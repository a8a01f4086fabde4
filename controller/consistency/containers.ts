import { posix } from 'node:path'
import type { Problem } from '../sources/problem.ts'
import { engineOf } from './engine.ts'
import { type ConsistencyInput, type DeclaredOf, inOrderOfPlaces, objectsOf, referred } from './input.ts'
import { didYouMean } from './nearest.ts'
import { problemAt } from './problem.ts'

/**
 * Containers are named `NAMESPACE-FEED-rN`, so `a-b`/`c` and `a`/`b-c` want one name. Names are unique on an engine, whatever
 * Compose project they show under.
 */
export function containerNameClashes(input: ConsistencyInput): Problem[] {
  const taken = new Map<string, DeclaredOf<'Feed'>>()
  return inOrderOfPlaces(objectsOf(input, 'Feed')).flatMap(feed => {
    const host = referred(input, feed, 'Host', feed.resource.spec.hostRef)
    if (host === undefined) return []
    const { namespace, name } = feed.resource.metadata
    const slot = `${engineOf(host)} ${namespace}-${name}`
    const holder = taken.get(slot)
    if (holder !== undefined) return [clash(feed, holder)]
    taken.set(slot, feed)
    return []
  })
}

function clash(feed: DeclaredOf<'Feed'>, holder: DeclaredOf<'Feed'>): Problem {
  const { namespace, name } = feed.resource.metadata
  const other = holder.resource.metadata
  return problemAt(feed, ['metadata', 'name'], {
    category: 'consistency',
    reason: 'ContainerNameClash',
    message: `its container would be named ${namespace}-${name}-rN, as that of the Feed ${other.namespace}/${other.name} (${holder.origin.file}:${holder.origin.line})`,
    hint: 'rename one of the two feeds, or let them run on different engines',
  })
}

/** A process host runs only what its image store names. */
export function imagesNotInStore(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'Feed').flatMap(feed => {
    const { hostRef, image } = feed.resource.spec
    const host = referred(input, feed, 'Host', hostRef)
    if (host?.resource.spec.engine.type !== 'process') return []
    const stored = (host.resource.spec.engine.images ?? []).map(entry => entry.reference)
    return stored.includes(image) ? [] : [notInStore(feed, hostRef, image, stored)]
  })
}

function notInStore(feed: DeclaredOf<'Feed'>, host: string, image: string, stored: string[]): Problem {
  return problemAt(feed, ['spec', 'image'], {
    category: 'consistency',
    reason: 'ImageNotInStore',
    message: `the image store of Host ${host} has no ${image}`,
    hint: didYouMean(
      image,
      stored,
      `it has ${stored.join(', ')}: name one of them, or add this one to engine.images of the Host`,
    ),
  })
}

/** A feed may bind only what its host opens. */
export function bindsOutsideRoots(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'Feed').flatMap(feed => {
    const host = referred(input, feed, 'Host', feed.resource.spec.hostRef)
    if (host === undefined) return []
    const roots = host.resource.spec.bindRoots.map(root => posix.normalize(`${root}/`))
    return feed.resource.spec.container.binds.flatMap(({ source }, index) =>
      roots.some(root => posix.normalize(`${source}/`).startsWith(root)) ? [] : [outside(feed, source, index, roots)],
    )
  })
}

function outside(feed: DeclaredOf<'Feed'>, source: string, index: number, roots: string[]): Problem {
  const host = feed.resource.spec.hostRef
  const open = roots.length === 0 ? `Host ${host} opens no folder` : `Host ${host} opens only ${roots.join(', ')}`
  return problemAt(feed, ['spec', 'container', 'binds', index, 'source'], {
    category: 'consistency',
    reason: 'BindOutsideRoots',
    message: `${source} cannot be bound: ${open}`,
    hint: 'bind a folder below one of spec.bindRoots of the Host, or add one there',
  })
}
