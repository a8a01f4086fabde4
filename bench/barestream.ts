import { setTimeout as delay } from 'node:timers/promises'
import { createInbox, headers, type NatsConnection } from '@nats-io/transport-node'
import { subjectOf } from '../crds/contract/subject.ts'
import { tickHeaders } from '../crds/contract/tick.ts'
import { sampleTick } from '../feed/publish/sampletick.ts'
import { wallClock } from '../feed/wallclock.ts'
import { until } from '../test/services/deadline.ts'

/** As many as a session has without an acknowledgement. */
const inFlight = 4096
/** What is due comes together once in this time, as from the simulator. */
const turnMs = 5
/** What waits for acknowledgements looks for room so often. */
const waitMs = 1
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
 * The least that any publisher of the market has to do, at the same rate and rhythm: one payload that is ready, an id for each message,
 * an acknowledgement for each. Answers when each message came to be sent, by its number (ms since 1970), once all of them are acknowledged.
 */
export async function paceBare(connection: NatsConnection, bare: Bare, signal: AbortSignal): Promise<Float64Array> {
  const subjects = subjectsOf(bare)
  const payload = new TextEncoder().encode(JSON.stringify(sampleTick()))
  const inbox = createInbox()
  let acknowledged = 0
  const answers = connection.subscribe(`${inbox}.*`, { callback: () => void acknowledged++ })
  const from = wallClock()
  const came = new Float64Array(bare.perSecond * bare.seconds)
  const send = (number: number) => {
    const set = headers()
    set.set(tickHeaders.messageId, `bare:${from}:${number}`)
    const reply = `${inbox}.${number % inFlight}`
    connection.publish(subjects[number % subjects.length] as string, payload, { headers: set, reply })
  }
  let sent = 0
  for (let due = 0; sent < came.length; ) {
    const now = wallClock()
    const next = Math.min(came.length, Math.floor(((now - from) / 1000) * bare.perSecond))
    came.fill(now, due, next)
    due = next
    while (sent < due && sent < acknowledged + inFlight) send(sent++)
    await delay(sent < due ? waitMs : turnMs, undefined, { signal })
  }
  await until('all acknowledgements of the bare publisher', () => acknowledged === sent, answeredDeadlineMs)
  answers.unsubscribe()
  return came
}

function subjectsOf({ prefix, instruments }: Bare): string[] {
  const exchangeOf = (index: number) => (index % sampled === 0 ? bareExchange : 'OTHER')
  return Array.from({ length: instruments }, (_none, index) => subjectOf(prefix, exchangeOf(index), `rb${index}`))
}
