import { transient } from '../../crds/contract/fault.ts'
import type { BusSecrets } from '../publish/connection.ts'
import { unreadyReasons } from '../supervisor/readiness.ts'
import { reportOf } from '../supervisor/report.ts'
import { listAll, retrySubscriptions } from '../supervisor/subscriptions.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Sources } from './answers.ts'
import { Responder } from './responder.ts'

/** Answers the older service's requests for this feed; nothing where it does not publish to NATS. */
export function openResponder(supervisor: Supervisor, version: string, secrets: BusSecrets): Responder | undefined {
  const { feed, launch } = supervisor.desired
  const { type, servers, subjectPrefix } = launch.publish
  if (type === 'none') return undefined
  return new Responder({
    feed,
    servers,
    subjectPrefix,
    secrets,
    sources: sourcesOf(supervisor, version),
    changed: (isUp, message) => {
      const fields = message === undefined ? {} : { fields: { detail: message } }
      if (isUp) supervisor.say({ type: 'Normal', reason: 'RpcReady', message: 'requests over NATS are answered' })
      else supervisor.say({ type: 'Warning', reason: 'RpcLost', message: 'requests over NATS are not answered', ...fields })
    },
  })
}

function sourcesOf(supervisor: Supervisor, version: string): Sources {
  return {
    feed: supervisor.desired.feed,
    groups: () => supervisor.desired.live.instrumentGroups,
    list: question => {
      const account = supervisor.openGate?.account ?? supervisor.active
      const child = supervisor.children.get(account)
      if (child?.isUp !== true) throw transient('SessionDown', `the session ${account} does not run`)
      return listAll(child, question)
    },
    retry: request => retrySubscriptions(supervisor, request),
    unready: () => unreadyReasons(reportOf(supervisor, version, Date.now()), supervisor.active),
    now: () => Date.now(),
  }
}
