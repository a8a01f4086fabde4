import type { Account } from '../../crds/contract/desired.ts'
import type { PublisherStatus } from '../publish/publisher.ts'
import type { Connection } from './connection.ts'
import type { Gate } from './gate.ts'
import type { SessionReport } from './message.ts'
import type { Subscriptions } from './subscriptions.ts'

const maxRejections = 100

/** The parts of a session that a report is made of. */
export type Parts = {
  account: Account
  publisher: PublisherStatus
  connection: Connection
  subscriptions: Subscriptions
  gate: Gate
  counters: { snapshots: number; unknown: number; gaps: number; frontErrors: number }
  /** Pushes in all. */
  received: number
  /** 0 and '' where there is none yet. */
  lastTickAt: number
  tradingDay: string
  startupMs: number
}

/** What a session tells the supervisor once a second. */
export function reportOf(parts: Parts): SessionReport {
  const { gate, publisher, subscriptions, connection, counters } = parts
  return {
    epoch: gate.epoch,
    publisher,
    memoryBytes: process.memoryUsage.rss(),
    status: statusOf(parts),
    counters: {
      snapshots: counters.snapshots,
      unknown: counters.unknown,
      duplicates: gate.counters.duplicates,
      stale: gate.counters.stale,
      reconnects: connection.counters.reconnects,
      rateLimitHits: subscriptions.counters.rateLimitHits,
      gaps: counters.gaps,
      errors: {
        connection: connection.counters.losses,
        login: connection.counters.loginErrors,
        subscription: subscriptions.counters.errors,
        front: counters.frontErrors,
      },
      startupMs: parts.startupMs,
    },
  }
}

function statusOf({ account, publisher, connection, subscriptions, gate, ...parts }: Parts): SessionReport['status'] {
  const { front } = connection
  return {
    account,
    ...connection.state,
    gate: gate.isOpen ? 'open' : 'closed',
    ...(front === undefined ? {} : { front }),
    ...(parts.tradingDay === '' ? {} : { tradingDay: parts.tradingDay }),
    pid: process.pid,
    subscriptions: { ...subscriptions.counts(), ticking: subscriptions.ticking() },
    rejections: subscriptions.rejections(maxRejections),
    received: parts.received,
    published: gate.counters.published,
    dropped: publisher.dropped,
    conflated: publisher.conflated,
    ...(parts.lastTickAt === 0 ? {} : { lastTickAt: parts.lastTickAt }),
  }
}
