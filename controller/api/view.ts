import { apiVersion, keyOf } from '../../crds/contract/resource.ts'
import { isKindName, type KindName } from '../../crds/kinds.ts'
import { differences } from '../kinds/feed/difference.ts'
import type { Declared } from '../store/declared.ts'
import type { Store } from '../store/store.ts'
import type { ResourceView, RevisionView } from './contract.ts'

/** A declared resource as the API shows it. */
export function viewOf({ resource, generation, origin }: Declared, store: Store): ResourceView {
  const { kind, metadata, spec } = resource
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, generation },
    spec,
    status: { ...store.status.get(kind, keyOf(metadata)) } as ResourceView['status'],
    origin,
  }
}

export function findView(store: Store, kind: string, key: string): ResourceView | undefined {
  const declared = isKindName(kind) ? store.declared.get(kind, key) : undefined
  return declared && viewOf(declared, store)
}

export type Filter = { kind?: string; namespace?: string; name?: string }

export function listViews(store: Store, { kind, namespace, name }: Filter): ResourceView[] {
  const fits = ({ resource: { kind: its, metadata } }: Declared) =>
    (!kind || its === (kind as KindName)) && (!namespace || metadata.namespace === namespace) && (!name || metadata.name === name)
  return store.declared
    .all()
    .filter(fits)
    .map(declared => viewOf(declared, store))
}

/** Newest first. */
export function revisionViews(store: Store, feed: string): RevisionView[] {
  const status = store.status.get('Feed', feed)
  const revisions = store.revisions.list(feed)
  return revisions
    .map((revision, index): RevisionView => {
      const before = revisions[index - 1]
      return {
        revision: revision.number,
        createdAt: revision.createdAt,
        state: revision.state,
        ...(revision.reason !== undefined && { reason: revision.reason }),
        image: revision.snapshot.image,
        digest: revision.imageDigest ?? '',
        current: status?.revision === revision.number,
        target: status?.targetRevision === revision.number,
        changes: before ? differences(before, revision) : [],
      }
    })
    .reverse()
}
