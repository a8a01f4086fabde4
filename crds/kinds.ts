import type * as z from 'zod'
import type { Metadata } from './contract/resource.ts'
import { credentials } from './credentials.ts'
import { failoverDrill } from './failoverdrill.ts'
import { feed } from './feed.ts'
import { feedProfile } from './feedprofile.ts'
import { host } from './host.ts'
import { stack } from './stack.ts'
import { subscriptionSet } from './subscriptionset.ts'

/** Every kind, by name, in the order in which a reader meets them. */
export const kinds = {
  Host: host,
  FeedProfile: feedProfile,
  Credentials: credentials,
  SubscriptionSet: subscriptionSet,
  Feed: feed,
  Stack: stack,
  FailoverDrill: failoverDrill,
} as const

export type KindName = keyof typeof kinds
export type Spec<K extends KindName> = z.output<(typeof kinds)[K]['spec']>
export type Status<K extends KindName> = z.output<(typeof kinds)[K]['status']>

/** A declared resource after validation: defaults are filled in. `generation` comes from the store, not from the file. */
export type Resource<K extends KindName = KindName> = K extends KindName ? { kind: K; metadata: Metadata; spec: Spec<K> } : never

export function isKindName(name: string): name is KindName {
  return Object.hasOwn(kinds, name)
}
