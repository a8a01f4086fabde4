import { expect, it } from 'vitest'
import { abortable, Mutex } from './mutex.ts'

it('runs one at a time, in order, also after a failure', async () => {
  const mutex = new Mutex()
  const seen: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = mutex.run(never(), async () => {
    await gate.promise
    seen.push('first')
    throw new Error('failed')
  })
  const second = mutex.run(never(), async () => void seen.push('second'))
  gate.resolve()
  await expect(first).rejects.toThrow('failed')
  await second
  expect(seen).toEqual(['first', 'second'])
})

it('lets a waiter go by its signal, and the next one still waits for its turn', async () => {
  const mutex = new Mutex()
  const seen: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = mutex.run(never(), async () => {
    await gate.promise
    seen.push('first')
  })
  await expect(mutex.run(AbortSignal.abort(new Error('enough')), async () => void seen.push('left'))).rejects.toThrow('enough')
  const third = mutex.run(never(), async () => void seen.push('third'))
  gate.resolve()
  await Promise.all([first, third])
  expect(seen).toEqual(['first', 'third'])
})

it('prefers an abort that came first to a promise that is settled', async () => {
  const aborted = AbortSignal.abort(new Error('enough'))
  await expect(abortable(Promise.resolve(1), aborted)).rejects.toThrow('enough')
  await expect(abortable(Promise.reject(new Error('lost')), aborted)).rejects.toThrow('enough')
  expect(await abortable(Promise.resolve(1), never())).toBe(1)
})

const never = (): AbortSignal => new AbortController().signal
