import type { Logger } from 'pino'
import type { Account, Launch } from '../../crds/contract/desired.ts'
import type { Gap } from '../../crds/contract/tick.ts'
import { BusConnection, type BusSecrets } from './connection.ts'
import { CoreSender } from './core.ts'
import { Counter } from './counter.ts'
import { gapSubjectOf } from './encoding.ts'
import { JetStreamSender } from './jetstream.ts'
import { Outlet } from './outlet.ts'
import type { Publisher } from './publisher.ts'
import type { SenderHandlers } from './sender.ts'
import { ensureStream } from './stream.ts'

export type PublisherOptions = {
  /** `namespace/name`, as in the ticks. */
  feed: string
  account: Account
  secrets?: BusSecrets
  log?: Pick<Logger, 'info' | 'warn'>
  /** Every loss that the publisher knows of, at most one gap a second for an epoch and reason. They are published as well. */
  onGap(gap: Gap): void
  /** Closes the publisher when it ends. */
  signal?: AbortSignal
}

/**
 * Opens the way to the bus of a profile. It does not wait for the bus, nor fails where there is none: it connects for ever and
 * `status()` tells how that goes. docs/concepts/publishing.md says what each type promises.
 */
export async function openPublisher(
  publish: Launch['publish'],
  queue: Launch['queue'],
  options: PublisherOptions,
): Promise<Publisher> {
  const publisher = publish.type === 'none' ? new Counter() : openOutlet(publish.type, publish, queue, options)
  options.signal?.addEventListener('abort', () => void publisher.close(), { once: true })
  if (options.signal?.aborted) await publisher.close()
  return publisher
}

function openOutlet(
  type: 'nats' | 'jetstream',
  publish: Launch['publish'],
  queue: Launch['queue'],
  { feed, account, secrets = {}, log, onGap }: PublisherOptions,
): Outlet {
  const gapSubject = gapSubjectOf(publish.subjectPrefix, feed)
  const senderOf = (handlers: SenderHandlers) =>
    type === 'nats'
      ? new CoreSender(handlers)
      : new JetStreamSender(feed, nats => ensureStream(nats, publish, gapSubject), handlers)
  const outlet = new Outlet({
    type,
    feed,
    account,
    subjectPrefix: publish.subjectPrefix,
    maxTicks: queue.maxTicks,
    onGap,
    onChange: (isReady, message) =>
      isReady && message === undefined
        ? log?.info({ feed, account, type }, 'bus is ready')
        : log?.warn({ feed, account, type, isReady, message }, 'bus is in trouble'),
    senderOf,
    disconnect: () => connection.close(),
  })
  const connection = new BusConnection(`feedplane ${feed} ${account}`, publish.servers, secrets, {
    up: nats => outlet.attach(nats),
    down: message => outlet.detach(message),
    failed: message => outlet.report(message),
  })
  return outlet
}
