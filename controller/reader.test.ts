import { getEventListeners } from 'node:events'
import type { Logger } from 'pino'
import { describe, expect, it } from 'vitest'
import type { Desk } from './desk.ts'
import { readSource } from './reader.ts'
import { handClock } from './simulation/clock.ts'
import type { Snapshot, Source } from './sources/source.ts'

const log = { error: () => undefined } as unknown as Logger

const snapshotOf = (sequence: number): Snapshot => ({ sequence, objects: new Map(), problems: [], complete: true })

/** A source that tells what it is told to, and a desk that refuses the first few. */
function open(refusals: number) {
  const clock = handClock(0)
  const stop = new AbortController()
  const taken: number[] = []
  let left = refusals
  let tell: (snapshot: Snapshot) => void = () => undefined
  const source: Source = {
    name: 'test',
    run: (onSnapshot, signal) => {
      tell = onSnapshot
      return new Promise(resolve => signal.addEventListener('abort', () => resolve()))
    },
  }
  const desk = {
    async take({ sequence }: Snapshot) {
      if (left-- > 0) throw new Error('database or disk is full')
      taken.push(sequence)
    },
  } as Desk
  const reading = readSource(source, desk, log, stop.signal, clock)
  return { clock, stop, taken, reading, tell: (sequence: number) => tell(snapshotOf(sequence)) }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

describe('snapshots on their way to the desk', () => {
  it('are handed over again until the desk takes them', async () => {
    const { clock, stop, taken, reading, tell } = open(2)
    tell(1)
    await settled()
    expect(taken).toEqual([])
    for (const time of [2000, 4000]) {
      clock.goTo(time)
      await settled()
    }
    expect(taken).toEqual([1])
    stop.abort()
    await reading
  })

  it('give way to a newer one that comes while one is refused', async () => {
    const { clock, stop, taken, reading, tell } = open(1)
    tell(1)
    await settled()
    tell(2)
    clock.goTo(2000)
    await settled()
    expect(taken).toEqual([2])
    stop.abort()
    await reading
  })

  it('leave no listener behind, however often the desk refuses', async () => {
    const { clock, stop, reading, tell } = open(3)
    const before = getEventListeners(stop.signal, 'abort').length
    tell(1)
    await settled()
    for (const time of [2000, 4000, 6000]) {
      clock.goTo(time)
      await settled()
    }
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(before)
    stop.abort()
    await reading
  })

  it('end with the signal while the desk refuses', async () => {
    const { stop, taken, reading, tell } = open(9)
    tell(1)
    await settled()
    stop.abort()
    await reading
    expect(taken).toEqual([])
  })
})
