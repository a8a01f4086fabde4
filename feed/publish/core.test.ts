import type { NatsConnection } from '@nats-io/transport-node'
import { afterEach, expect, it, vi } from 'vitest'
import type { Gap } from '../../crds/contract/tick.ts'
import { CoreSender } from './core.ts'
import { Fifo } from './fifo.ts'
import { Lanes } from './lane.ts'
import type { Parcel } from './sender.ts'

afterEach(() => void vi.useRealTimers())

/** A sender on a connection whose pongs the test gives, in the order of the pings. */
function openSender() {
  const pongs: (() => void)[] = []
  const confirmed: Parcel[] = []
  const lost: [Parcel, string][] = []
  const doubted: Gap[] = []
  const sender = new CoreSender({
    delivered: () => {},
    confirmed: parcel => confirmed.push(parcel),
    lost: (parcel, reason) => lost.push([parcel, reason]),
    doubted: ledger => doubted.push(...ledger.drain('n/f')),
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
  return { sender, attach, pongs, pong, confirmed, lost, doubted }
}

function parcelOf(bytes: number, instrument = 'rb2605'): Parcel {
  const lane = new Lanes().add('a', { values: new Fifo(), isBusy: true, isLined: false })
  const cohort = { pending: 1, settled: () => {} }
  const tick = { instrument, epoch: 1, sequence: 1, receivedAt: 1, publishedAt: 2 }
  return { subject: 'a', header: Buffer.from('id'), payload: Buffer.alloc(bytes), queued: { ...tick, lane, cohort } }
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

it('tells what the server had only just read when it ends, and not what it outlived by half a second', async () => {
  vi.useFakeTimers()
  const { sender, pong, confirmed, doubted } = openSender()
  const publish = async (instrument: string) => {
    sender.send(parcelOf(100, instrument))
    sender.confirm()
    await pong()
  }
  await publish('AP010')
  await vi.advanceTimersByTimeAsync(550)
  await publish('AP011')
  sender.detach()
  expect(confirmed).toHaveLength(2)
  expect(doubted).toMatchObject([{ reason: 'BusDisconnected', instruments: ['AP011'] }])
})

it('asks a server that has nothing more to read whether it lives, and doubts what it read where no answer comes', async () => {
  vi.useFakeTimers()
  const { sender, pongs, pong, doubted } = openSender()
  for (const isAlive of [true, false]) {
    sender.send(parcelOf(100))
    sender.confirm()
    await pong()
    await vi.advanceTimersByTimeAsync(700)
    expect(pongs).toHaveLength(1)
    if (isAlive) await pong()
  }
  await vi.advanceTimersByTimeAsync(60_000)
  sender.detach()
  expect(doubted).toHaveLength(1)
})
