import { keyOf } from '../crds/contract/resource.ts'
import type { Declared } from './store/declared.ts'

/** `Kind/namespace/name` of everything that a feed is made from, itself included. */
export function ingredients(
  { resource: { metadata, spec } }: Declared<'Feed'>,
  profile: Declared<'FeedProfile'> | undefined,
): string[] {
  const { hostRef, profileRef, credentials, subscriptions } = spec
  const accounts = [credentials.primary, credentials.backup, profile?.resource.spec.publish.credentialsRef].filter(
    name => name !== undefined,
  )
  const within = (kind: string, name: string) => `${kind}/${metadata.namespace}/${name}`
  return [
    `Feed/${keyOf(metadata)}`,
    within('Host', hostRef),
    within('FeedProfile', profileRef),
    ...accounts.map(name => within('Credentials', name)),
    ...subscriptions.map(name => within('SubscriptionSet', name)),
  ]
}
