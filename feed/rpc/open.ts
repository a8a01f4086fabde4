import { transient } from '../../crds/contract/fault.ts'
import type { Bus } from '../supervisor/bus.ts'
import { unreadyReasons } from '../supervisor/readiness.ts'
import { reportOf } from '../supervisor/report.ts'
import { listAll, retrySubscriptions } from '../supervisor/subscriptions.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Sources } from './answers.ts'
import { Responder } from './responder.ts'

/** Answers the older service's requests for this feed on its bus. */
export function openResponder(supervisor: Supervisor, version: string, bus: Bus): Responder {
  const { feed, launch } = supervisor.desired
  const responder = new Responder({
    feed,
    subjectPrefix: launch.publish.subjectPrefix,
    sources: sourcesOf(supervisor, version),
    changed: (isUp, message) => {
      const fields = message === undefined ? {} : { fields: { detail: message } }
      if (isUp) supervisor.say({ type: 'Normal', reason: 'RpcReady', message: 'requests over NATS are answered' })
      else supervisor.say({ type: 'Warning', reason: 'RpcLost', message: 'requests over NATS are not answered', ...fields })
    },
  })
  bus.join(responder)
  return responder
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
