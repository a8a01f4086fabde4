import { keyOf } from '../crds/contract/resource.ts'
import type { Declared, DeclaredStore } from './store/declared.ts'

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

/** Keys of the feeds that are made from an object, `Kind/namespace/name`. */
export function feedsMadeFrom(id: string, declared: Pick<DeclaredStore, 'get' | 'list'>): string[] {
  return declared.list('Feed').flatMap(feed => {
    const { metadata, spec } = feed.resource
    const profile = declared.get('FeedProfile', `${metadata.namespace}/${spec.profileRef}`)
    return ingredients(feed, profile).includes(id) ? [keyOf(metadata)] : []
  })
}
