import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { retryRequestSchema, subscriptionQuestionSchema } from '../../crds/contract/subscriptions.ts'
import type { FromSession } from '../session/message.ts'
import { emptyPosition } from '../session/position.ts'
import { feedZone } from '../session/zone.ts'
import { type ChildEnd, SessionChild } from './child.ts'
import { desiredWith } from './testing.ts'

// Real processes; the test only gets hold of them.
vi.mock('node:child_process', async load => {
  const real = await load<typeof import('node:child_process')>()
  return { ...real, fork: vi.fn(real.fork) }
})

const question = subscriptionQuestionSchema.parse({})
const longMs = 20_000

let child: SessionChild
let ends: ChildEnd[]
beforeEach(() => {
  ends = []
  vi.stubEnv('TZ', feedZone)
  const { feed, launch, live } = desiredWith({})
  const { rateLimits, instrumentGroups } = live
  child = new SessionChild({
    start: () => ({
      ...{ feed, account: 'primary', launch, rateLimits, instrumentGroups, directory: tmpdir(), dataDirectory: tmpdir() },
    }),
    heard: () => undefined,
    gone: (_expected, end) => void ends.push(end),
    up: () => undefined,
  })
})
afterEach(async () => {
  await child.kill()
  await child.stop()
  vi.unstubAllEnvs()
})

/** The session's process. */
function started(): ChildProcess {
  child.want()
  return vi.mocked(fork).mock.results.at(-1)?.value as ChildProcess
}

describe('a session that is asked something', () => {
  it('and does not run is SessionDown', async () => {
    await expect(child.list(question, longMs)).rejects.toMatchObject({ class: 'transient', reason: 'SessionDown' })
  })

  it('and dies before it has answered is SessionDown', async () => {
    const session = started()
    const asked = expect(child.list(question, longMs)).rejects.toMatchObject({ class: 'transient', reason: 'SessionDown' })
    session.kill('SIGKILL')
    await asked
  })

  it('and is stopped is SessionSilent once the deadline is over', async () => {
    started().kill('SIGSTOP')
    await expect(child.list(question, 50)).rejects.toMatchObject({ class: 'transient', reason: 'SessionSilent' })
  })

  it('answers it', async () => {
    started()
    expect(await child.list(question, longMs)).toMatchObject({ items: [], counts: { desired: 0 } })
  })

  const opening = { epoch: 1, position: emptyPosition(0), reason: 'Restart' } as const
  const asks: [what: string, ask: () => Promise<unknown>, answer: FromSession][] = [
    ['open', () => child.open(opening, longMs), { type: 'closed', id: 1, position: emptyPosition(0) }],
    ['close', () => child.close(false, longMs), { type: 'renewed', id: 1, asked: 0 }],
    ['list', () => child.list(question, longMs), { type: 'renewed', id: 1, asked: 0 }],
    ['renew', () => child.renew(retryRequestSchema.parse({}), longMs), { type: 'opened', id: 1, released: 0, overrunCount: 0 }],
  ]
  it.each(asks)('and answers something else than asked is Protocol: %s', async (what, ask, answer) => {
    const session = started()
    await once(session, 'spawn')
    const asked = expect(ask()).rejects.toMatchObject({
      ...{ class: 'stalled', reason: 'Protocol' },
      message: `the session answered ${answer.type} to ${what}`,
    })
    session.emit('message', answer)
    await asked
  })
})

describe('a session whose process', () => {
  it('cannot be started is started again later, and can be ended meanwhile', async () => {
    const { fork: real } = await vi.importActual<typeof import('node:child_process')>('node:child_process')
    const calls = vi.mocked(fork).mock.calls.length
    const missing = { execPath: join(tmpdir(), 'no-such-node') }
    vi.mocked(fork).mockImplementationOnce((path, args, options) => real(path, args as string[], { ...options, ...missing }))
    child.want()
    await child.kill()
    expect([child.isUp, child.restarts]).toEqual([false, 1])
    expect(ends).toEqual([{ error: expect.stringContaining('ENOENT') }])
    await expect.poll(() => vi.mocked(fork).mock.calls.length, { timeout: 5000 }).toBe(calls + 2)
    expect(await child.list(question, longMs)).toMatchObject({ counts: { desired: 0 } })
  })

  it('is refused by an exception is started again later', async () => {
    vi.mocked(fork).mockImplementationOnce(() => {
      throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' })
    })
    child.want()
    expect([child.isUp, child.restarts, ends]).toEqual([false, 1, [{ error: 'spawn ENOMEM' }]])
    await expect.poll(() => child.isUp, { timeout: 5000 }).toBe(true)
  })

  it('is gone is not heard of as an error: what was told to it meanwhile is lost with it', async () => {
    const session = started()
    const [killed, stopped] = [child.kill(), child.stop()]
    session.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await Promise.all([killed, stopped])
    expect(child.isUp).toBe(false)
  })
})
