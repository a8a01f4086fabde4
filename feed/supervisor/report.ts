import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Account } from '../../crds/contract/desired.ts'
import { digestOf, digestOnce, keepText } from '../../crds/contract/digest.ts'
import type { FeedReport, SessionStatus } from '../../crds/contract/feedstatus.ts'
import { silentStatus } from './child.ts'
import { marketAt, windowsOf } from './market.ts'
import { silentGroupsOf } from './silence.ts'
import type { Supervisor } from './supervisor.ts'

/** The feed's status, as `GET /v1/status` answers it. `version` comes from the installation. */
export function reportOf(supervisor: Supervisor, version: string, now: number): FeedReport {
  const { desired, override, openGate, fence } = supervisor
  const lastFailover = supervisor.failovers.last
  const active = openGate?.account ?? supervisor.active
  const silentGroups = silentGroupsOf(supervisor)
  return {
    feed: desired.feed,
    version,
    startedAt: supervisor.startedAt,
    pid: process.pid,
    revision: desired.revision,
    epoch: supervisor.epoch,
    role: desired.live.role,
    active,
    ...digestsOf(supervisor),
    ...(override === undefined ? {} : { override }),
    sessions: desired.launch.accounts.map(account => sessionOf(supervisor, account)),
    market: marketAt(supervisor.calendar, windowsOf(desired.live.instrumentGroups), now),
    ...(silentGroups.length === 0 ? {} : { silentGroups }),
    publisher: publisherOf(supervisor, active),
    ...(supervisor.consumers === undefined ? {} : { consumers: supervisor.consumers }),
    ...(fence === undefined ? {} : { fence: fence.status() }),
    ...(lastFailover === undefined ? {} : { lastFailover }),
    gaps: supervisor.gaps,
    lastEvent: supervisor.journal.last,
  }
}

/** The version in package.json at the root of the installation. */
export function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function sessionOf(supervisor: Supervisor, account: Account): SessionStatus {
  const child = supervisor.children.get(account)
  const status = child?.report?.status ?? silentStatus(account, child?.isUp ?? false, supervisor.startedAt)
  return { ...status, restarts: child?.restarts ?? 0, ticksPerSecond: child?.ticksPerSecond ?? 0 }
}

function publisherOf(supervisor: Supervisor, active: Account): FeedReport['publisher'] {
  const status = supervisor.children.get(active)?.report?.publisher
  const { type } = supervisor.desired.launch.publish
  if (status === undefined) return { type, connected: false, message: 'the session has not reported yet', outbox: 0 }
  const { connected, message, queued, outstanding } = status
  return { type, connected, ...(message === undefined ? {} : { message }), outbox: queued + outstanding }
}

type Digests = Required<Pick<FeedReport, 'launchDigest' | 'liveDigest' | 'instrumentsDigest'>>
const digests = new WeakMap<object, Digests>()

// A desired state is never changed in place, and a megabyte of it is not hashed for every question.
function digestsOf({ desired }: Supervisor): Digests {
  const known = digests.get(desired)
  if (known !== undefined) return known
  const { launch, live } = desired
  keepText(live.instrumentGroups)
  const instrumentsDigest = digestOnce(live.instrumentGroups)
  const fresh = { launchDigest: digestOf(launch), liveDigest: digestOf(live), instrumentsDigest }
  digests.set(desired, fresh)
  return fresh
}
