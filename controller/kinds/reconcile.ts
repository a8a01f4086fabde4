import type { KindName } from '../../crds/kinds.ts'
import type { Result } from '../runtime/result.ts'
import { reconcileCredentials } from './credentials/reconcile.ts'
import type { DrillPorts } from './failoverdrill/gather.ts'
import { reconcileFailoverDrill } from './failoverdrill/reconcile.ts'
import { type FeedPorts, reconcileFeed } from './feed/reconcile.ts'
import { reconcileFeedProfile } from './feedprofile/reconcile.ts'
import { reconcileHost } from './host/reconcile.ts'
import type { StackPorts } from './stack/gather.ts'
import { reconcileStack } from './stack/reconcile.ts'
import { reconcileSubscriptionSet } from './subscriptionset/reconcile.ts'

export type Ports = Omit<FeedPorts & DrillPorts & StackPorts, 'onStatus'> & { onStatus: (kind: KindName, key: string) => void }

/** Looks at one resource of any kind. */
export function reconcile(kind: KindName, key: string, { onStatus, ...rest }: Ports, signal: AbortSignal): Promise<Result> {
  const ports: FeedPorts & DrillPorts & StackPorts = { ...rest, onStatus: changed => onStatus(kind, changed) }
  switch (kind) {
    case 'Feed':
      return reconcileFeed(key, ports, signal)
    case 'Host':
      return reconcileHost(key, ports, signal)
    case 'Credentials':
      return reconcileCredentials(key, ports)
    case 'SubscriptionSet':
      return reconcileSubscriptionSet(key, ports)
    case 'FeedProfile':
      return reconcileFeedProfile(key, ports)
    case 'FailoverDrill':
      return reconcileFailoverDrill(key, ports, signal)
    case 'Stack':
      return reconcileStack(key, ports, signal)
  }
}
