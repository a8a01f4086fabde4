import type { Clock } from '../../runtime/clock.ts'
import type { Result } from '../../runtime/result.ts'
import type { Store } from '../../store/store.ts'
import { conditionsOf } from '../condition.ts'

type Ports = { clock: Clock; store: Store; onStatus: (key: string) => void }

/** Feeds that the message names: with thousands it would be the longest text of the state, written at each that comes or goes. */
const namedUsers = 50

/** A FeedProfile is Ready when it is declared: its schema and rules were checked before it got here. */
export async function reconcileFeedProfile(key: string, { clock, store, onStatus }: Ports): Promise<Result> {
  const declared = store.declared.get('FeedProfile', key)
  if (!declared) {
    store.status.remove('FeedProfile', key)
    return { type: 'gone' }
  }
  const users = store.declared
    .list('Feed')
    .filter(({ resource }) => `${resource.metadata.namespace}/${resource.spec.profileRef}` === key)
  const names = users.map(({ resource }) => resource.metadata.name)
  const more = names.length > namedUsers ? ` and ${names.length - namedUsers} more` : ''
  const message = names.length === 0 ? 'no feed uses it' : `used by ${names.slice(0, namedUsers).join(', ')}${more}`
  const conditions = conditionsOf(
    [{ type: 'Ready', status: 'True', reason: 'Accepted', message }],
    store.status.get('FeedProfile', key)?.conditions,
    clock.now(),
    declared.generation,
  )
  if (store.status.put('FeedProfile', key, { conditions, observedGeneration: declared.generation })) onStatus(key)
  return { type: 'done' }
}
