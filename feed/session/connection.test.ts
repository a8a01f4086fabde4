import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { waiting } from '../../crds/contract/fault.ts'
import type { AccountSecrets, FrontError, Gateway, GatewayHandlers } from '../gateways/gateway.ts'
import { backOffMs, Connection, frontPatienceMs, loginAnswerMs, secretsPollMs } from './connection.ts'

const minuteMs = 60_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A gateway that connects at once and answers logins as the script says; it keeps the time of each. */
function scripted(
  script: {
    answer?: (password: string) => FrontError | 'silent' | undefined
    secrets?: () => Promise<AccountSecrets>
    welcomes?: boolean
  } = {},
) {
  const world = {
    password: 'right',
    logins: [] as number[],
    turns: [] as number[],
    opened: 0,
    closed: 0,
    lost: [] as number[],
    states: [] as string[],
  }
  let handlers: GatewayHandlers | undefined
  const gatewayOf = ({ PASSWORD }: AccountSecrets, turn: number): Gateway => {
    world.turns.push(turn)
    let own: GatewayHandlers
    return {
      open: given => {
        own = handlers = given
        world.opened++
        if (script.welcomes ?? true) setTimeout(() => own.connected('tcp://front:1'), 1)
      },
      login: () => {
        world.logins.push(Date.now())
        const answer = script.answer?.(PASSWORD)
        if (answer === undefined) setTimeout(() => own.loggedIn({ tradingDay: '20200803' }), 1)
        else if (answer !== 'silent') setTimeout(() => own.loginFailed(answer), 1)
        return 0
      },
      subscribe: () => 0,
      unsubscribe: () => 0,
      close: async () => void world.closed++,
    }
  }
  const connection: Connection = new Connection({
    gatewayOf,
    readSecrets: script.secrets ?? (async () => ({ BROKER_ID: '9999', USER_ID: 'u', PASSWORD: world.password })),
    loginsPerSecond: () => 1,
    handlers: { subscribed: () => undefined, unsubscribed: () => undefined, depth: () => undefined, failed: () => undefined },
    loggedIn: () => connection.settled(),
    lost: reason => world.lost.push(reason),
    changed: ({ state }) => world.states.push(state),
  })
  return { world, connection, front: () => handlers as GatewayHandlers }
}

describe('a connection', () => {
  it('opens one gateway where it is started twice at a time', async () => {
    const { world, connection } = scripted()
    await Promise.all([connection.start(), connection.start()])
    await vi.advanceTimersByTimeAsync(3000)
    expect([world.opened, world.logins.length]).toEqual([1, 1])
    await connection.close()
    expect(world.closed).toBe(1)
  })

  it('goes from its secrets to live', async () => {
    const { world, connection } = scripted()
    await connection.start()
    await vi.advanceTimersByTimeAsync(1000)
    expect(world.states).toEqual(['starting', 'connecting', 'logging-in', 'logging-in', 'subscribing', 'live'])
    expect(connection.front).toBe('tcp://front:1')
  })

  it('logs in again after each loss', async () => {
    const { world, connection, front } = scripted()
    await connection.start()
    await vi.advanceTimersByTimeAsync(20_000)
    front().disconnected(0x2001)
    expect(connection.state).toMatchObject({ state: 'connecting', message: expect.stringContaining('0x2001') })
    front().connected('tcp://front:1')
    await vi.advanceTimersByTimeAsync(2000)
    expect(connection.state.state).toBe('live')
    expect(world).toMatchObject({ lost: [0x2001], opened: 1, logins: { length: 2 } })
  })

  it('keeps to one login a second, and slows down, where the front cuts it at once', async () => {
    const { world, connection, front } = scripted()
    await connection.start()
    for (let ms = 0; ms < minuteMs; ms += 50) {
      await vi.advanceTimersByTimeAsync(50)
      if (connection.state.state !== 'live') continue
      front().disconnected(0x1001)
      front().connected('tcp://front:1')
    }
    const pauses = world.logins.slice(1).map((at, i) => at - (world.logins[i] ?? 0))
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1000)
    expect(world.logins.length).toBeLessThan(8)
  })

  it.each([
    [3, 'failed', 'LoginRefused'],
    [131, 'failed', 'WeakPassword'],
    [140, 'failed', 'PasswordChangeRequired'],
    [75, 'waiting', 'AccountLocked'],
  ])('sends a login that is refused with %i only once, until the secrets change', async (ErrorID, state, reason) => {
    const { world, connection } = scripted({
      answer: password => (password === 'right' ? { ErrorID, ErrorMsg: 'no' } : undefined),
    })
    await connection.start()
    await vi.advanceTimersByTimeAsync(10 * minuteMs)
    expect(world.logins).toHaveLength(1)
    expect(connection.state).toMatchObject({ state, reason, errorId: ErrorID })
    world.password = 'corrected'
    await vi.advanceTimersByTimeAsync(secretsPollMs + 2000)
    expect(connection.state.state).toBe('live')
    expect(world.logins).toHaveLength(2)
  })

  it('tries a refused login once more when it is told to', async () => {
    const { world, connection } = scripted({ answer: () => ({ ErrorID: 3, ErrorMsg: 'no' }) })
    await connection.start()
    await vi.advanceTimersByTimeAsync(5000)
    await connection.retry()
    await vi.advanceTimersByTimeAsync(5000)
    expect(world.logins).toHaveLength(2)
  })

  it('backs off from other refusals and from a login that is not answered, and gets in when the front lets it', async () => {
    let refusals = 3
    const answer = () => {
      refusals--
      if (refusals === 1) return 'silent' as const
      return refusals >= 0 ? { ErrorID: 60, ErrorMsg: 'session limit' } : undefined
    }
    const { world, connection } = scripted({ answer })
    await connection.start()
    await vi.advanceTimersByTimeAsync(100)
    expect(connection.state).toMatchObject({ state: 'waiting', reason: 'SessionLimit', errorId: 60 })
    await vi.advanceTimersByTimeAsync(loginAnswerMs + 20_000)
    expect(connection.state.state).toBe('live')
    expect(world.logins).toHaveLength(4)
  })

  it('takes a new connection, to the next front, after a login that is not answered', async () => {
    let isSilent = true
    const { world, connection } = scripted({ answer: () => (isSilent ? 'silent' : undefined) })
    await connection.start()
    await vi.advanceTimersByTimeAsync(loginAnswerMs + 10)
    expect(connection.state).toMatchObject({ state: 'waiting', reason: 'LoginUnanswered' })
    expect(world).toMatchObject({ opened: 1, closed: 1 })
    isSilent = false
    await vi.advanceTimersByTimeAsync(3000)
    expect(connection.state.state).toBe('live')
    expect(world).toMatchObject({ opened: 2, turns: [0, 1], logins: { length: 2 } })
  })

  it('stays under one login a second while none is answered, for ten minutes', async () => {
    const { world, connection } = scripted({ answer: () => 'silent' })
    await connection.start()
    await vi.advanceTimersByTimeAsync(10 * minuteMs)
    const pauses = world.logins.slice(1).map((at, i) => at - (world.logins[i] ?? 0))
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(loginAnswerMs)
    expect(world.logins.length).toBeGreaterThan(8)
    expect(world.opened - world.closed).toBeLessThanOrEqual(1)
  })

  it('says that a front accepts connections and does not speak', async () => {
    const { world, connection } = scripted({ welcomes: false })
    await connection.start()
    const { since } = connection.state
    await vi.advanceTimersByTimeAsync(frontPatienceMs)
    expect(connection.state).toMatchObject({ state: 'connecting', reason: 'FrontUnreachable' })
    expect(world.logins).toEqual([])
    expect(since - connection.state.since).toBe(0)
  })

  it('waits for secrets that are not there', async () => {
    let isThere = false
    const secrets = async () => {
      if (!isThere) throw waiting('SecretMissing', 'none')
      return { BROKER_ID: 'b', USER_ID: 'u', PASSWORD: 'p' }
    }
    const { connection } = scripted({ secrets })
    await connection.start()
    expect(connection.state).toMatchObject({ state: 'waiting', reason: 'SecretMissing' })
    isThere = true
    await vi.advanceTimersByTimeAsync(secretsPollMs + 2000)
    expect(connection.state.state).toBe('live')
  })

  it('leaves no timer behind when it is closed', async () => {
    const { connection, world } = scripted({ answer: () => ({ ErrorID: 3, ErrorMsg: 'no' }) })
    await connection.start()
    await vi.advanceTimersByTimeAsync(5000)
    await connection.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(world.closed).toBe(world.opened)
  })
})

describe('the back-off', () => {
  it('doubles from a second to a minute, with a quarter of jitter', () => {
    expect(backOffMs(0)).toBe(0)
    expect([1, 2, 3, 10].map(attempts => backOffMs(attempts, 1))).toEqual([1000, 2000, 4000, 60_000])
    expect(backOffMs(10, 0)).toBe(45_000)
  })
})
