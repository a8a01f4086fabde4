import { describe, expect, it } from 'vitest'
import { stalled, transient } from '../../crds/contract/fault.ts'
import { systemClock } from './clock.ts'
import { runLoop } from './loop.ts'
import { KeyQueue } from './queue.ts'
import type { Result } from './result.ts'

async function resultOf(reconcile: () => Promise<Result>): Promise<{ result: Result; delayMs: number | undefined }> {
  const queue = new KeyQueue(systemClock, () => 0.5)
  const stop = new AbortController()
  const seen = Promise.withResolvers<{ result: Result; delayMs: number | undefined }>()
  const loop = runLoop(
    {
      queue,
      clock: systemClock,
      random: () => 0.5,
      ready: Promise.resolve(),
      concurrency: 2,
      resyncMs: 60_000,
      reconcile,
      observe: (_key, result, _tookMs, delayMs) => seen.resolve({ result, delayMs }),
    },
    stop.signal,
  )
  queue.add('a')
  const answer = await seen.promise
  stop.abort()
  await loop
  return answer
}

describe('the loop', () => {
  const fault = stalled('BadInput', 'the input is bad')
  const cases: [string, () => Promise<Result>, Result['type'], number | undefined][] = [
    ['lets a key go that has nothing left to look at', async () => ({ type: 'gone' }), 'gone', undefined],
    ['looks at a converged key again after the resync interval', async () => ({ type: 'done' }), 'done', 60_000],
    ['looks at a key in progress when it asked for it', async () => ({ type: 'after', delayMs: 250 }), 'after', 250],
    ['does not retry what only an edit can help', async () => ({ type: 'stalled', fault }), 'stalled', 60_000],
    ['takes a thrown stalled fault for stalled', () => Promise.reject(fault), 'stalled', 60_000],
    ['backs off after a transient fault', () => Promise.reject(transient('Refused', 'refused')), 'error', 3.75],
    ['backs off after an error that nobody foresaw', () => Promise.reject(new TypeError('boom')), 'error', 3.75],
  ]
  it.each(cases)('%s', async (_name, reconcile, type, delayMs) => {
    const answer = await resultOf(reconcile)
    expect(answer.result.type).toBe(type)
    if (delayMs === undefined) expect(answer.delayMs).toBeUndefined()
    else expect(answer.delayMs).toBeCloseTo(delayMs)
  })

  it('waits at the end for what is in flight', async () => {
    const queue = new KeyQueue(systemClock, Math.random)
    const stop = new AbortController()
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const finished: string[] = []
    const reconcile = async (key: string): Promise<Result> => {
      started.resolve()
      await release.promise
      finished.push(key)
      return { type: 'done' }
    }
    const options = {
      queue,
      clock: systemClock,
      random: Math.random,
      ready: Promise.resolve(),
      concurrency: 1,
      resyncMs: 1000,
      reconcile,
      observe: () => {},
    }
    const loop = runLoop(options, stop.signal)
    queue.add('a')
    await started.promise
    stop.abort()
    release.resolve()
    await loop
    expect(finished).toEqual(['a'])
  })

  it('takes nothing before it is ready, and ends where it never is', async () => {
    const queue = new KeyQueue(systemClock, Math.random)
    const stop = new AbortController()
    const ready = Promise.withResolvers<void>()
    const looked = Promise.withResolvers<void>()
    let looks = 0
    const reconcile = async (): Promise<Result> => {
      looks++
      looked.resolve()
      return { type: 'gone' }
    }
    const options = {
      queue,
      clock: systemClock,
      random: Math.random,
      concurrency: 1,
      resyncMs: 1000,
      reconcile,
      observe: () => {},
    }
    const ended = new AbortController()
    const never = runLoop({ ...options, queue: new KeyQueue(systemClock, Math.random), ready: ready.promise }, ended.signal)
    ended.abort()
    await never
    const loop = runLoop({ ...options, ready: ready.promise }, stop.signal)
    queue.add('a')
    await new Promise(resolve => setImmediate(resolve))
    expect(looks).toBe(0)
    ready.resolve()
    await looked.promise
    stop.abort()
    await loop
    expect(looks).toBe(1)
  })
})
