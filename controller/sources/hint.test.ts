import { describe, expect, it } from 'vitest'
import { openHints } from './hint.ts'

const never = 600_000
const open = new AbortController().signal

describe('hints', () => {
  it('that came before anybody waited are not lost', async () => {
    const hints = openHints(1, 10)
    hints.hint()
    await hints.next(never, open)
  })

  it('that never pause are told all the same', async () => {
    const hints = openHints(1000, 20)
    const burst = setInterval(hints.hint, 1)
    await hints.next(never, open)
    await hints.next(never, open)
    clearInterval(burst)
  })

  it('are told once a burst', async () => {
    const hints = openHints(5, 1000)
    for (let count = 0; count < 100; count++) hints.hint()
    await hints.next(never, open)
    const stopping = new AbortController()
    const second = hints.next(never, stopping.signal).then(() => stopping.signal.aborted)
    stopping.abort()
    expect(await second).toBe(true)
  })

  it('are not waited for beyond the time that was asked for, nor after an abort', async () => {
    const hints = openHints(1, 10)
    await hints.next(1, open)
    await hints.next(never, AbortSignal.abort())
  })
})
