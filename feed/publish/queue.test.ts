import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConflatingQueue, type QueueLane } from './queue.ts'

type Value = { key: string; n: number }

function queueOf(maxValues: number) {
  const conflated: Value[] = []
  const dropped: Value[] = []
  const queue = new ConflatingQueue<Value>(maxValues, {
    conflated: value => conflated.push(value),
    dropped: value => dropped.push(value),
  })
  const lanes = new Map<string, QueueLane<Value>>()
  const laneOf = (key: string) => lanes.get(key) ?? addLane(key)
  const addLane = (key: string) => {
    const lane = queue.newLane()
    lanes.set(key, lane)
    return lane
  }
  const offer = (text: string, isPressed = false) => {
    for (const part of text.split(' ')) {
      const value = { key: part.charAt(0), n: Number(part.slice(1)) }
      queue.offer(laneOf(value.key), value, isPressed)
    }
  }
  const takeAll = () => {
    const values: string[] = []
    for (let value = queue.take(); value !== undefined; value = queue.take()) {
      values.push(nameOf(value))
      queue.release(laneOf(value.key))
    }
    return values.join(' ')
  }
  return {
    queue,
    laneOf,
    offer,
    takeAll,
    conflated: () => conflated.map(nameOf).join(' '),
    dropped: () => dropped.map(nameOf).join(' '),
  }
}

const nameOf = ({ key, n }: Value): string => `${key}${n}`

describe('with room', () => {
  it('keeps the order of a key and takes turns between keys', () => {
    const { offer, takeAll } = queueOf(10)
    offer('a1 a2 a3 b1 c1 c2')
    expect(takeAll()).toBe('a1 b1 c1 a2 c2 a3')
  })

  it('holds the next value of a key back until the first is released', () => {
    const { queue, laneOf, offer, takeAll } = queueOf(10)
    offer('a1 a2 b1')
    expect(queue.take()).toMatchObject({ key: 'a', n: 1 })
    expect(takeAll()).toBe('b1')
    expect(queue.size).toBe(1)
    queue.release(laneOf('a'))
    expect(takeAll()).toBe('a2')
  })

  it('lets a value pass only where nothing waits and its key is free', () => {
    const { queue, laneOf, offer, takeAll } = queueOf(10)
    expect(queue.pass(laneOf('a'))).toBe(true)
    expect(queue.pass(laneOf('a'))).toBe(false)
    offer('a2')
    expect([queue.take(), queue.pass(laneOf('b'))]).toEqual([undefined, false])
    queue.release(laneOf('a'))
    expect(takeAll()).toBe('a2')
    expect(queue.pass(laneOf('b'))).toBe(true)
  })

  it('gives up all that waits, of busy keys too', () => {
    const { queue, laneOf, offer } = queueOf(10)
    offer('a1 a2 b1')
    queue.take()
    expect(queue.drain().map(nameOf).sort()).toEqual(['a2', 'b1'])
    expect(queue.size).toBe(0)
    queue.release(laneOf('a'))
    expect(queue.take()).toBeUndefined()
  })
})

describe('under pressure', () => {
  it('keeps the newest of each key', () => {
    const { offer, takeAll, conflated } = queueOf(10)
    offer('a1 b1 a2 a3 b2', true)
    expect(takeAll()).toBe('a3 b2')
    expect(conflated()).toBe('a1 a2 b1')
  })

  it('conflates the key that comes in before it touches another', () => {
    const { offer, takeAll, conflated, dropped } = queueOf(4)
    offer('a1 a2 b1 b2 b3')
    expect(conflated()).toBe('b1 b2')
    expect(takeAll()).toBe('a1 b3 a2')
    expect(dropped()).toBe('')
  })

  it('makes room for a new key where others have more than their newest', () => {
    const { offer, takeAll, conflated, dropped } = queueOf(3)
    offer('a1 a2 a3 b1')
    expect(conflated()).toBe('a1 a2')
    expect(dropped()).toBe('')
    expect(takeAll()).toBe('a3 b1')
  })

  it('drops the key that is next in turn where each has only its newest', () => {
    const { offer, takeAll, conflated, dropped } = queueOf(2)
    offer('a1 b1 c1')
    expect(dropped()).toBe('a1')
    expect(conflated()).toBe('')
    expect(takeAll()).toBe('b1 c1')
  })

  it('drops the new one where all others are busy', () => {
    const { queue, offer, dropped } = queueOf(1)
    offer('a1')
    queue.take()
    offer('a2 b1')
    expect(dropped()).toBe('b1')
    expect(queue.size).toBe(1)
  })
})

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('offer' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      pressed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), key: fc.constantFrom('a', 'b', 'c', 'd', 'e') }) },
)

it('loses nothing without telling, exceeds no bound and keeps order per key, whatever happens', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 200 }), (bound, steps) => {
      const { queue, laneOf, conflated, dropped } = queueOf(bound)
      const taken: Value[] = []
      const busy = new Set<string>()
      let offered = 0
      for (const next of steps) {
        if (next.do === 'offer') queue.offer(laneOf(next.key), { key: next.key, n: ++offered }, next.pressed)
        if (next.do === 'release' && busy.delete(next.key)) queue.release(laneOf(next.key))
        const value = next.do === 'take' ? queue.take() : undefined
        if (value === undefined) continue
        expect(busy.has(value.key)).toBe(false)
        busy.add(value.key)
        taken.push(value)
      }
      expect(queue.size).toBeLessThanOrEqual(bound)
      const told = `${conflated()} ${dropped()}`.split(' ').filter(name => name !== '')
      const waiting = queue.drain()
      expect(taken.length + told.length + waiting.length).toBe(offered)
      for (const key of 'abcde') {
        const order = [...taken, ...waiting].filter(value => value.key === key).map(({ n }) => n)
        expect(order).toEqual(order.toSorted((a, b) => a - b))
      }
    }),
    { numRuns: 500 },
  )
})
