import type { KindName, Resource } from '../../crds/kinds.ts'
import type { Problem } from '../sources/problem.ts'
import type { Declared } from '../sources/source.ts'
import type { Catalogues } from './catalogue.ts'

/** Everything that the checks look at. */
export type ConsistencyInput = {
  /** By `Kind/namespace/name`. */
  objects: ReadonlyMap<string, Declared>
  /** Keys of objects that are declared, but wrong by themselves: a reference to them does not dangle. */
  mentioned?: ReadonlySet<string>
  /** What `cataloguesOf(objects)` names. */
  catalogues: Catalogues
  /** Environment of the controller, for Credentials that come from it. */
  env: Readonly<Record<string, string | undefined>>
}

/** Ordered by what a reader mends first; each looks at one thing. */
export type Check = (input: ConsistencyInput) => Problem[]

export type DeclaredOf<K extends KindName> = Declared & { resource: Resource<K> }

export function objectsOf<K extends KindName>({ objects }: Pick<ConsistencyInput, 'objects'>, kind: K): DeclaredOf<K>[] {
  return [...objects.values()].filter((declared): declared is DeclaredOf<K> => declared.resource.kind === kind)
}

/** What a reference means: the object of that name in the namespace of the one that refers to it. */
export function referred<K extends KindName>(
  { objects }: Pick<ConsistencyInput, 'objects'>,
  from: Declared,
  kind: K,
  name: string,
): DeclaredOf<K> | undefined {
  const declared = objects.get(`${kind}/${from.resource.metadata.namespace}/${name}`)
  return declared?.resource.kind === kind ? (declared as DeclaredOf<K>) : undefined
}

/** Names of the catalogues that the sets need, for the loader. */
export function cataloguesOf(objects: ConsistencyInput['objects']): string[] {
  return [...new Set(objectsOf({ objects }, 'SubscriptionSet').map(({ resource }) => resource.spec.catalogue))]
}

/** By file, line and column: which of two is told of does not depend on how they were read. */
export function inOrderOfPlaces<K extends KindName>(objects: DeclaredOf<K>[]): DeclaredOf<K>[] {
  return objects.toSorted(({ origin: a }, { origin: b }) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1
    return a.line - b.line || a.column - b.column
  })
}
