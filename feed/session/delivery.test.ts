import { expect, it } from 'vitest'
import type { PublisherStatus } from '../publish/publisher.ts'
import { Delivery } from './delivery.ts'

function bus() {
  const state = { connected: true, flushes: [] as (() => void)[] }
  const publisher = {
    status: () => ({ connected: state.connected }) as PublisherStatus,
    flush: () => new Promise<void>(resolve => state.flushes.push(resolve)),
  }
  const settle = async () => {
    for (const done of state.flushes.splice(0)) done()
    await Promise.resolve()
  }
  return { state, settle, delivery: new Delivery(publisher, 1) }
}

it('moves on to the moment of which everything before has arrived', async () => {
  const { delivery, settle } = bus()
  delivery.mark(10)
  expect(delivery.until).toBe(1)
  await settle()
  expect(delivery.until).toBe(10)
})

it('waits for one answer at a time', async () => {
  const { delivery, state, settle } = bus()
  delivery.mark(10)
  delivery.mark(20)
  expect(state.flushes).toHaveLength(1)
  await settle()
  expect(delivery.until).toBe(10)
})

it('stays where it is while the bus is away, and where it went away meanwhile', async () => {
  const { delivery, state, settle } = bus()
  delivery.mark(10)
  state.connected = false
  await settle()
  delivery.mark(20)
  expect(state.flushes).toHaveLength(0)
  expect(delivery.until).toBe(1)
  state.connected = true
  delivery.mark(30)
  await settle()
  expect(delivery.until).toBe(30)
})
