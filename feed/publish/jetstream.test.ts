import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Fifo } from './fifo.ts'
import { JetStreamSender } from './jetstream.ts'
import { Lanes } from './lane.ts'
import type { Parcel } from './sender.ts'
import type { Stream } from './stream.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A sender on a stream that answers, and is looked into, when the test says so. */
async function openSender() {
  const sent: { subject: string; reply: string }[] = []
  const lookups: ((tick: { feed?: string; epoch: number; sequence: number }) => void)[] = []
  const confirmed: string[] = []
  let callback: (error: Error | null, message: Msg) => void = () => undefined
  const getMessage = () =>
    new Promise(resolve => lookups.push(tick => resolve({ json: () => ({ feed: 'default/demo', ...tick }) })))
  const manager = { streams: { getMessage, info: async () => ({}) } }
  const stream = { name: 'TICKS', duplicateWindowMs: 10_000, manager } as unknown as Stream
  const sender = new JetStreamSender('default/demo', async () => stream, {
    delivered: () => {},
    confirmed: parcel => confirmed.push(parcel.subject),
    lost: () => {},
    doubted: () => {},
    changed: () => {},
    roomy: () => {},
  })
  sender.attach({
    isClosed: () => false,
    publish: (subject: string, _payload: Uint8Array, { reply }: { reply: string }) => void sent.push({ subject, reply }),
    subscribe: (_subject: string, options: { callback: typeof callback }) => {
      callback = options.callback
      return { unsubscribe: () => {} }
    },
  } as unknown as NatsConnection)
  await vi.advanceTimersByTimeAsync(1)
  const store = (reply = '') => {
    const data = Buffer.from('{"stream":"TICKS","seq":17}')
    callback(null, { subject: reply, data, string: () => data.toString() } as unknown as Msg)
  }
  return { sender, sent, lookups, confirmed, store }
}

function parcelOf(subject: string, sequence: number): Parcel {
  const lane = new Lanes().add(subject, { values: new Fifo(), isBusy: true, isLined: false })
  const cohort = { pending: 1, settled: () => {} }
  const tick = { instrument: 'rb2605', epoch: 1, sequence, receivedAt: 1, publishedAt: 2 }
  return { subject, header: Buffer.from('id'), payload: Buffer.alloc(10), queued: { ...tick, lane, cohort } }
}

it('takes a look into the stream for what was looked for, and not for what has its number by now', async () => {
  const { sender, sent, lookups, confirmed, store } = await openSender()
  sender.send(parcelOf('old', 1))
  await vi.advanceTimersByTimeAsync(6500)
  expect([sent.length, lookups.length]).toEqual([3, 1])
  for (const { reply } of sent.slice()) store(reply)
  sender.send(parcelOf('new', 2))
  expect(sent.at(-1)).toEqual({ subject: 'new', reply: sent[0]?.reply })
  lookups[0]?.({ epoch: 1, sequence: 1 })
  await vi.advanceTimersByTimeAsync(1)
  expect([confirmed, sender.outstanding()]).toEqual([['old'], 1])
  sender.detach()
})

it('takes what the stream has for stored, and sends again what it has not', async () => {
  const { sender, sent, lookups, confirmed } = await openSender()
  sender.send(parcelOf('kept', 1))
  sender.send(parcelOf('lost', 2))
  await vi.advanceTimersByTimeAsync(6500)
  const before = sent.length
  for (const look of lookups) look({ epoch: 1, sequence: 1 })
  await vi.advanceTimersByTimeAsync(1)
  expect([confirmed, sent.slice(before).map(({ subject }) => subject)]).toEqual([['kept'], ['lost']])
  sender.detach()
})

it('sends again where another feed was the last to publish the instrument', async () => {
  const { sender, sent, lookups, confirmed } = await openSender()
  sender.send(parcelOf('shared', 1))
  await vi.advanceTimersByTimeAsync(6500)
  const before = sent.length
  lookups[0]?.({ feed: 'default/other', epoch: 1, sequence: 1 })
  await vi.advanceTimersByTimeAsync(1)
  expect([confirmed, sent.slice(before).map(({ subject }) => subject)]).toEqual([[], ['shared']])
  sender.detach()
})
