import { setTimeout as delay } from 'node:timers/promises'
import { createInbox, headers, type NatsConnection } from '@nats-io/transport-node'
import { subjectOf } from '../crds/contract/subject.ts'
import { tickHeaders } from '../crds/contract/tick.ts'
import { sampleTick } from '../feed/publish/sampletick.ts'
import { wallClock } from '../feed/wallclock.ts'
import { until } from '../test/services/deadline.ts'

/** As many as a session has without an acknowledgement. */
const inFlight = 4096
/** As many as a session sends in one turn of its event loop. */
const turn = 512
/** One in so many instruments is of `bareExchange`, so that it can be read back. */
const sampled = 16
const answeredDeadlineMs = 60_000

/** The exchange whose messages `paceBare` wants to be read back. */
export const bareExchange = 'BARE'

export type Bare = {
  /** Of the subjects, as in `market.tick`. */
  prefix: string
  instruments: number
  perSecond: number
  seconds: number
}

/**
 * The least that any publisher of the market has to do, at the same rate: one payload that is ready, an id for each message, an
 * acknowledgement for each. Answers when each message was due, by its number (ms since 1970), once all of them are acknowledged.
 */
export async function paceBare(connection: NatsConnection, bare: Bare, signal: AbortSignal): Promise<(index: number) => number> {
  const subjects = subjectsOf(bare)
  const payload = new TextEncoder().encode(JSON.stringify(sampleTick()))
  const inbox = createInbox()
  let acknowledged = 0
  const answers = connection.subscribe(`${inbox}.*`, { callback: () => void acknowledged++ })
  const from = wallClock()
  const dueAt = (index: number) => from + (index / bare.perSecond) * 1000
  const all = bare.perSecond * bare.seconds
  for (let sent = 0; sent < all; await delay(1, undefined, { signal })) {
    const due = Math.floor(((wallClock() - from) / 1000) * bare.perSecond)
    const end = Math.min(all, due, acknowledged + inFlight, sent + turn)
    for (; sent < end; sent++) {
      const set = headers()
      set.set(tickHeaders.messageId, `bare:${from}:${sent}`)
      connection.publish(subjects[sent % subjects.length] as string, payload, {
        headers: set,
        reply: `${inbox}.${sent % inFlight}`,
      })
    }
  }
  await until('all acknowledgements of the bare publisher', () => acknowledged === all, answeredDeadlineMs)
  answers.unsubscribe()
  return dueAt
}

function subjectsOf({ prefix, instruments }: Bare): string[] {
  const exchangeOf = (index: number) => (index % sampled === 0 ? bareExchange : 'OTHER')
  return Array.from({ length: instruments }, (_none, index) => subjectOf(prefix, exchangeOf(index), `rb${index}`))
}
