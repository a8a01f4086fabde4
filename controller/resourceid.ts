import { isKindName, type KindName } from '../crds/kinds.ts'

/** `Kind/namespace/name`, a key of the queue. */
export function resourceId(kind: string, key: string): string {
  return `${kind}/${key}`
}

/** `undefined` for a kind that is not ours. */
export function parseResourceId(id: string): { kind: KindName; key: string } | undefined {
  const slash = id.indexOf('/')
  const kind = id.slice(0, slash)
  return isKindName(kind) ? { kind, key: id.slice(slash + 1) } : undefined
}
