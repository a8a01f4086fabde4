import type { NatsConnection } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { CoreSender } from './core.ts'
import { sampleTick } from './sampletick.ts'
import type { Parcel } from './sender.ts'

/** A sender on a connection whose pongs the test gives, in the order of the pings. */
function openSender() {
  const pongs: (() => void)[] = []
  const confirmed: Parcel[] = []
  const lost: [Parcel, string][] = []
  const sender = new CoreSender({
    delivered: () => {},
    confirmed: parcel => confirmed.push(parcel),
    lost: (parcel, reason) => lost.push([parcel, reason]),
    changed: () => {},
    roomy: () => {},
  })
  const attach = () =>
    sender.attach({
      isClosed: () => false,
      publish: () => {},
      flush: () => new Promise<void>(resolve => pongs.push(resolve)),
    } as unknown as NatsConnection)
  attach()
  const pong = async () => {
    pongs.shift()?.()
    await Promise.resolve()
  }
  return { sender, attach, pongs, pong, confirmed, lost }
}

function parcelOf(bytes: number): Parcel {
  const tick = sampleTick()
  return {
    subject: 'a',
    payload: 'x'.repeat(bytes),
    messageId: 'id',
    queued: { tick, messageId: 'id', cohort: { pending: 1, settled: () => {} } },
  }
}

const mebibyte = 1024 * 1024

it('asks for a pong at once where somebody waits for it', async () => {
  const { sender, pongs, pong, confirmed } = openSender()
  sender.send(parcelOf(100))
  expect(pongs).toHaveLength(0)
  sender.confirm()
  expect(pongs).toHaveLength(1)
  await pong()
  expect(confirmed).toHaveLength(1)
  expect(sender.outstanding()).toBe(0)
})

it('has several pings under way, and no room beyond 16 MiB until a pong comes', async () => {
  const { sender, pongs, pong, confirmed } = openSender()
  let sent = 0
  for (; sender.hasRoom(); sent++) sender.send(parcelOf(mebibyte))
  expect(sent).toBe(16)
  expect(pongs).toHaveLength(16)
  await pong()
  expect(sender.hasRoom()).toBe(true)
  expect(confirmed).toHaveLength(1)
  expect(sender.outstanding()).toBe(15)
})

it('tells as lost what no pong followed when the connection ends, and does not believe a pong that comes later', async () => {
  const { sender, attach, pong, confirmed, lost } = openSender()
  sender.send(parcelOf(mebibyte))
  sender.send(parcelOf(100))
  sender.detach()
  expect(lost.map(([, reason]) => reason)).toEqual(['BusDisconnected', 'BusDisconnected'])
  attach()
  await pong()
  expect(confirmed).toHaveLength(0)
  expect(sender.outstanding()).toBe(0)
  expect(sender.hasRoom()).toBe(true)
})
