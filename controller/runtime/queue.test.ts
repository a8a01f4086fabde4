import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { KeyQueue } from './queue.ts'

function handClock() {
  let now = 0
  const timers = new Set<{ at: number; callback: () => void }>()
  const clock: Clock = {
    now: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }
  const advance = (ms: number) => {
    now += ms
    for (const timer of [...timers].sort((a, b) => a.at - b.at)) if (timer.at <= now && timers.delete(timer)) timer.callback()
  }
  return { clock, advance }
}

function queueWithClock() {
  const { clock, advance } = handClock()
  return { queue: new KeyQueue(clock, () => 0.5), advance }
}

describe('the queue of keys', () => {
  it('hands out a key once however often it was added', async () => {
    const { queue } = queueWithClock()
    for (let i = 0; i < 5; i++) queue.add('a')
    expect(await queue.take()).toBe('a')
    expect(queue.depth).toEqual({ ready: 0, inFlight: 1, waiting: 0 })
  })

  it('brings a key back that was added while it was worked on', async () => {
    const { queue } = queueWithClock()
    queue.add('a')
    await queue.take()
    queue.add('a')
    queue.add('a')
    expect(queue.depth.ready).toBe(0)
    queue.finish('a')
    expect(await queue.take()).toBe('a')
    queue.finish('a')
    expect(queue.depth).toEqual({ ready: 0, inFlight: 0, waiting: 0 })
  })

  it('brings a key back at once to which something happened while it was worked on', async () => {
    const { queue } = queueWithClock()
    queue.add('a')
    await queue.take()
    queue.hint('a')
    queue.finish('a')
    expect(await queue.take()).toBe('a')
  })

  it('leaves a failing key its back-off, whatever happens to it, for ten seconds at the most', async () => {
    const { queue, advance } = queueWithClock()
    const failOnce = async (): Promise<number> => {
      await queue.take()
      queue.hint('a')
      const delayMs = queue.addFailed('a')
      queue.finish('a')
      queue.hint('a')
      return delayMs
    }
    queue.add('a')
    for (let i = 0; i < 20; i++) {
      const dueMs = Math.min(await failOnce(), 10_000)
      advance(dueMs - 1)
      expect(queue.depth).toEqual({ ready: 0, inFlight: 0, waiting: 1 })
      advance(1)
      expect(queue.depth.ready).toBe(1)
    }
  })

  it('never gives one key to two workers', async () => {
    const { queue } = queueWithClock()
    queue.add('a')
    await queue.take()
    let second: string | undefined = 'nothing yet'
    void queue.take().then(key => {
      second = key
    })
    queue.add('a')
    await Promise.resolve()
    expect(second).toBe('nothing yet')
  })

  it('keeps the earliest of several waits', async () => {
    const { queue, advance } = queueWithClock()
    queue.addAfter('a', 1000)
    queue.addAfter('a', 100)
    queue.addAfter('a', 5000)
    advance(99)
    expect(queue.depth).toEqual({ ready: 0, inFlight: 0, waiting: 1 })
    advance(1)
    expect(queue.depth).toEqual({ ready: 1, inFlight: 0, waiting: 0 })
  })

  it('lets an edit overtake a wait', () => {
    const { queue, advance } = queueWithClock()
    queue.addAfter('a', 60_000)
    queue.add('a')
    expect(queue.depth).toEqual({ ready: 1, inFlight: 0, waiting: 0 })
    advance(60_000)
    expect(queue.depth.ready).toBe(1)
  })

  it('waits longer after each failure and starts again after a success', () => {
    const { queue } = queueWithClock()
    const waits = Array.from({ length: 4 }, () => {
      const wait = queue.addFailed('a')
      return wait
    })
    expect(waits).toEqual([3.75, 7.5, 15, 30])
    queue.forget('a')
    expect(queue.addFailed('a')).toBe(3.75)
  })

  it('sends every worker home when it closes', async () => {
    const { queue } = queueWithClock()
    const workers = [queue.take(), queue.take()]
    queue.addAfter('a', 10)
    queue.close()
    queue.add('b')
    expect(await Promise.all(workers)).toEqual([undefined, undefined])
    expect(queue.depth).toEqual({ ready: 0, inFlight: 0, waiting: 0 })
  })
})

describe('back-off', () => {
  it('stays between half of the full wait and all of it, and below five minutes', () => {
    for (let failures = 1; failures < 60; failures++) {
      const full = Math.min(300_000, 5 * 2 ** (failures - 1))
      expect(backoffMs(failures, 0)).toBe(full / 2)
      expect(backoffMs(failures, 0.999)).toBeLessThan(full)
    }
  })
})
