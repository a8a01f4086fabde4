import type { Problem } from '../sources/problem.ts'
import { engineOf } from './engine.ts'
import { type Check, type ConsistencyInput, type DeclaredOf, inOrderOfPlaces, objectsOf, referred } from './input.ts'
import { problemAt } from './problem.ts'

type Pair = { stack: DeclaredOf<'Stack'>; host: DeclaredOf<'Host'> }

function stacksOnHosts(input: ConsistencyInput): Pair[] {
  return inOrderOfPlaces(objectsOf(input, 'Stack')).flatMap(stack => {
    const host = referred(input, stack, 'Host', stack.resource.spec.hostRef)
    return host === undefined ? [] : [{ stack, host }]
  })
}

/** Compose needs a Docker engine. */
export function stacksWithoutDocker(input: ConsistencyInput): Problem[] {
  return stacksOnHosts(input)
    .filter(({ host }) => host.resource.spec.engine.type !== 'docker')
    .map(({ stack, host }) =>
      problemAt(stack, ['spec', 'hostRef'], {
        category: 'consistency',
        reason: 'StackNeedsDocker',
        message: `Host ${host.resource.metadata.name} runs processes, and Compose needs a Docker engine`,
        hint: 'name a Host with engine.type: docker',
      }),
    )
}

/** `docker compose down` of the project that has the bus must not take feeds along. */
export function sharedProjects(input: ConsistencyInput): Problem[] {
  const hosts = inOrderOfPlaces(objectsOf(input, 'Host'))
  return stacksOnHosts(input).flatMap(({ stack, host }) => {
    const { project } = stack.resource.spec
    const holder = hosts.find(other => other.resource.spec.project === project && engineOf(other) === engineOf(host))
    if (holder === undefined) return []
    return [
      problemAt(stack, ['spec', 'project'], {
        category: 'consistency',
        reason: 'ProjectShared',
        message: `the feeds of Host ${holder.resource.metadata.name} show under the project ${project} on this engine too (${holder.origin.file}:${holder.origin.line})`,
        hint: 'give the Stack or the Host another project',
      }),
    ]
  })
}

/** Each would take the services of the other for its own that are no longer declared. */
export const twoStacksInOneProject: Check = input => {
  const taken = new Map<string, DeclaredOf<'Stack'>>()
  return stacksOnHosts(input).flatMap(({ stack, host }) => {
    const { spec } = stack.resource
    const slot = `${engineOf(host)} ${spec.project}`
    const holder = taken.get(slot)
    if (holder === undefined) {
      taken.set(slot, stack)
      return []
    }
    return [
      problemAt(stack, ['spec', 'project'], {
        category: 'consistency',
        reason: 'ProjectTaken',
        message: `the Stack ${holder.resource.metadata.name} has the project ${spec.project} on this engine (${holder.origin.file}:${holder.origin.line})`,
        hint: 'name another project, or put the files into one Stack',
      }),
    ]
  })
}
