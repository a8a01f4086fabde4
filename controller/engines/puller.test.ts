import { describe, expect, it } from 'vitest'
import { stalled, transient } from '../../crds/contract/fault.ts'
import { handClock } from '../simulation/clock.ts'
import { simulatedEngine } from '../simulation/engine.ts'
import { imagePuller } from './puller.ts'

const request = { hostKey: 'test/h', reference: 'x:1', attempt: 'r1 ' }

function puller(pull: () => Promise<{ reference: string; digest: string }>) {
  const clock = handClock(0)
  const none = new Set<string>()
  const base = simulatedEngine({ clock, installation: 'i', present: none, registry: none, program: () => ({}) })
  let asked = 0
  const engine = {
    ...base,
    pullImage: () => {
      asked++
      return pull()
    },
  }
  const ended = Promise.withResolvers<void>()
  const images = imagePuller(clock, () => ended.resolve(), new AbortController().signal)
  return {
    clock,
    images,
    start: (attempt = request.attempt) => images.start({ ...request, attempt }, engine),
    ended: ended.promise,
    asked: () => asked,
  }
}

describe('pulling an image', () => {
  it('happens once at a time, and wakes whoever waits when it has ended', async () => {
    const { images, start, ended, asked } = puller(async () => ({ reference: 'x:1', digest: 'd' }))
    expect(images.state(request)).toEqual({ state: 'idle' })
    start()
    start()
    expect(images.state(request)).toEqual({ state: 'pulling' })
    await ended
    expect(asked()).toBe(1)
    expect(images.state(request)).toEqual({ state: 'pulled', image: { reference: 'x:1', digest: 'd' } })
  })

  it('that failed for good is not tried again, except for another attempt', async () => {
    const { clock, images, start, ended } = puller(() => Promise.reject(stalled('ImageNotFound', 'no such tag')))
    start()
    await ended
    clock.goTo(3_600_000)
    expect(images.state(request)).toMatchObject({ state: 'failed', fault: { reason: 'ImageNotFound' } })
    expect(images.state({ ...request, attempt: 'r1 again' })).toEqual({ state: 'idle' })
  })

  it('that failed for a passing reason may be tried again after a while', async () => {
    const { clock, images, start, ended } = puller(() => Promise.reject(transient('ImagePullFailed', 'no route')))
    start()
    await ended
    expect(images.state(request)).toMatchObject({ state: 'failed' })
    clock.goTo(10_001)
    expect(images.state(request)).toMatchObject({ state: 'idle', fault: { message: 'no route' } })
  })
})
