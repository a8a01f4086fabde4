import type { ConsumerInfo, StreamInfo } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import { consumersOf, maxNamed } from './consumers.ts'

const streamOf = (consumers: number, maxBytes = -1) =>
  ({ config: { name: 'TICKS', max_bytes: maxBytes }, state: { bytes: 7, consumer_count: consumers } }) as unknown as StreamInfo

const consumer = (name: string, backlog: number, unacknowledged = 0, config: object = { durable_name: name }) =>
  ({ name, config, num_pending: backlog, num_ack_pending: unacknowledged }) as unknown as ConsumerInfo

const ephemeral = (name: string, backlog: number) => consumer(name, backlog, 1, {})

describe('the consumers of a stream', () => {
  it('are told by name, those first that are furthest behind', () => {
    const read = [consumer('a', 1), consumer('b', 0, 5), consumer('c', 3), consumer('d', 1)]
    expect(consumersOf(streamOf(4), read, 42)).toEqual({
      at: 42,
      stream: { name: 'TICKS', bytes: 7 },
      items: [
        { name: 'b', backlog: 0, unacknowledged: 5 },
        { name: 'c', backlog: 3, unacknowledged: 0 },
        { name: 'a', backlog: 1, unacknowledged: 0 },
        { name: 'd', backlog: 1, unacknowledged: 0 },
      ],
      omitted: 0,
    })
  })

  it('are told together where they have no durable name, as each connection makes up another', () => {
    const { items } = consumersOf(streamOf(3), [ephemeral('x1', 4), consumer('a', 1), ephemeral('x2', 6)], 0)
    expect(items).toEqual([
      { name: 'a', backlog: 1, unacknowledged: 0 },
      { name: '*', backlog: 10, unacknowledged: 2 },
    ])
  })

  it('are bounded, and those that were left out are counted', () => {
    const read = Array.from({ length: maxNamed + 10 }, (_, index) => consumer(`c${index}`, index))
    const { items, omitted } = consumersOf(streamOf(maxNamed + 15), [...read, ephemeral('x', 0)], 0)
    expect(items).toHaveLength(maxNamed + 1)
    expect(items[0]).toMatchObject({ backlog: maxNamed + 9 })
    expect(omitted).toBe(14)
  })

  it('have a stream with its limit, where it has one', () => {
    expect(consumersOf(streamOf(0, 100), [], 0).stream).toEqual({ name: 'TICKS', bytes: 7, limitBytes: 100 })
  })
})
