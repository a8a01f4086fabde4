/** The requests of the older service, by their subjects. */
export const methods = ['md.contracts.list', 'md.subscribe.bulk', 'md.subscriptions.active', 'health.check'] as const
export type Method = (typeof methods)[number]

/** Subject of a request to this feed alone: `PREFIX-rpc.NAMESPACE.FEED.METHOD`. */
export function ownSubjectOf(prefix: string, feed: string, method: Method): string {
  return `${prefix}-rpc.${feed.replace('/', '.')}.${method}`
}

/** Whether a stream that captures `PREFIX.>` would take the requests for ticks, and answer them itself. */
export function isCaptured(prefix: string, method: Method): boolean {
  return `${method}.`.startsWith(`${prefix}.`)
}
