import type { KindName } from '../../crds/kinds.ts'
import type { MemberPath, Problem } from '../sources/problem.ts'
import type { Declared } from '../sources/source.ts'
import { type ConsistencyInput, objectsOf, referred } from './input.ts'
import { nearest } from './nearest.ts'
import { problemAt } from './problem.ts'

type Reference = { from: Declared; path: MemberPath; kind: KindName; name: string }

/** Every name must belong to an object of the right kind in the same namespace. */
export function danglingReferences(input: ConsistencyInput): Problem[] {
  return references(input)
    .filter(({ from, kind, name }) => referred(input, from, kind, name) === undefined)
    .filter(({ from, kind, name }) => !input.mentioned?.has(`${kind}/${from.resource.metadata.namespace}/${name}`))
    .map(reference => dangling(reference, input))
}

function references(input: ConsistencyInput): Reference[] {
  const profiles = objectsOf(input, 'FeedProfile').flatMap((from): Reference[] => {
    const name = from.resource.spec.publish.credentialsRef
    return name === undefined ? [] : [{ from, path: ['spec', 'publish', 'credentialsRef'], kind: 'Credentials', name }]
  })
  const drills = objectsOf(input, 'FailoverDrill').map(
    (from): Reference => ({ from, path: ['spec', 'feedRef'], kind: 'Feed', name: from.resource.spec.feedRef }),
  )
  const stacks = objectsOf(input, 'Stack').map(
    (from): Reference => ({ from, path: ['spec', 'hostRef'], kind: 'Host', name: from.resource.spec.hostRef }),
  )
  return [...profiles, ...objectsOf(input, 'Feed').flatMap(referencesOfFeed), ...stacks, ...drills]
}

function referencesOfFeed(from: ReturnType<typeof objectsOf<'Feed'>>[number]): Reference[] {
  const { hostRef, profileRef, credentials, subscriptions } = from.resource.spec
  const backup = credentials.backup === undefined ? [] : [{ path: ['spec', 'credentials', 'backup'], name: credentials.backup }]
  const accounts = [{ path: ['spec', 'credentials', 'primary'], name: credentials.primary }, ...backup]
  return [
    { from, path: ['spec', 'hostRef'], kind: 'Host', name: hostRef },
    { from, path: ['spec', 'profileRef'], kind: 'FeedProfile', name: profileRef },
    ...accounts.map(account => ({ from, kind: 'Credentials' as const, ...account })),
    ...subscriptions.map((name, index) => ({
      from,
      path: ['spec', 'subscriptions', index],
      kind: 'SubscriptionSet' as const,
      name,
    })),
  ]
}

function dangling({ from, path, kind, name }: Reference, input: ConsistencyInput): Problem {
  const { namespace } = from.resource.metadata
  return problemAt(from, path, {
    category: 'reference',
    reason: 'DanglingReference',
    message: `there is no ${kind} ${name} in the namespace ${namespace}`,
    hint: hintFor(kind, name, namespace, input),
  })
}

function hintFor(kind: KindName, name: string, namespace: string, input: ConsistencyInput): string {
  const all = objectsOf(input, kind).map(({ resource }) => resource.metadata)
  const near = nearest(
    name,
    all.filter(metadata => metadata.namespace === namespace).map(metadata => metadata.name),
  )
  if (near !== undefined) return `did you mean "${near}"?`
  const elsewhere = all.find(metadata => metadata.name === name)
  if (elsewhere === undefined) return `declare a ${kind} with metadata.name ${name}, or name one that is declared`
  return `there is one in the namespace ${elsewhere.namespace}, and a reference stays in its own: declare it in ${namespace} too`
}
