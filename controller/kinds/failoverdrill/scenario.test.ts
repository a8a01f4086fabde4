import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Account } from '../../../crds/contract/desired.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  stage.edit({ drill: {} })
  await stage.pass(60_000)
  stage.events.length = 0
  stage.writes.length = 0
})
afterEach(() => stage.close())

let tokens = 0
const ask = () => stage.edit({ drillToken: `token-${++tokens}` })
const reasons = () => stage.events.filter(({ kind }) => kind === 'FailoverDrill').map(({ reason }) => reason)
const last = () => stage.drillStatus?.last
const feed = () => stage.feeds()[0]
const rotate = (password: string) => {
  stage.secrets.values = { ...stage.secrets.values, PASSWORD: password }
}
const conditions = (of: 'drillStatus' | 'status' = 'drillStatus') =>
  Object.fromEntries((stage[of]?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))

/** Lets time pass until the drill is in a phase. */
async function reach(phase: string): Promise<void> {
  for (let looks = 0; stage.drillStatus?.phase !== phase; looks++) {
    if (looks > 1000) throw new Error(`${phase} never came: ${JSON.stringify(stage.drillStatus)}`)
    await stage.pass(20)
  }
}

/** It ended, the declared account publishes, and nothing of it is left in the feed. */
async function isRestored(): Promise<void> {
  await stage.pass(90_000)
  expect(stage.drillStatus).not.toHaveProperty('phase')
  expect(feed()).toMatchObject({ active: stage.spec.active, override: undefined })
  expect(feed()?.gate?.account).toBe(stage.spec.active)
  expect(stage.status).toMatchObject({ active: stage.spec.active, activeReason: 'Declared' })
  const before = stage.writes.length
  await stage.pass(60_000)
  expect(stage.writes.length).toBe(before)
}

describe('a drill', () => {
  it('fails over, holds, fails back, passes, and leaves evidence and proven paths', async () => {
    ask()
    await reach('verifying')
    await stage.pass(1000)
    expect(stage.status).toMatchObject({ active: 'backup', activeReason: 'Drill' })
    expect(conditions('status')).toMatchObject({ FailedOver: 'True Drill', Ready: 'True DataFlowing' })
    expect(conditions()).toMatchObject({ Ready: 'Unknown DrillUnderWay', Reconciling: 'True DrillUnderWay' })
    await isRestored()
    expect(reasons()).toEqual(['DrillStarted', 'DrillFailedOver', 'DrillFailedBack', 'DrillPassed'])
    expect(last()).toMatchObject({ verdict: 'pass', trigger: 'request', from: 'primary', to: 'backup', restored: true, gaps: 0 })
    expect(last()).toMatchObject({ failover: { latencyMs: 3 }, failback: { latencyMs: 3 } })
    expect(stage.evidence[last()?.evidence ?? '']).toMatchObject({
      result: { verdict: 'pass' },
      run: { samples: expect.any(Array) },
    })
    expect(stage.drillStatus?.proven).toEqual([
      { from: 'primary', to: 'backup', at: last()?.endedAt, latencyMs: 3 },
      { from: 'backup', to: 'primary', at: last()?.endedAt, latencyMs: 3 },
    ])
    expect(conditions()).toEqual({ Ready: 'True DrillArmed', Proven: 'True DrillPassed' })
    expect(stage.writes.filter(write => write !== 'push')).toEqual([])
  })

  it('is held once for a token, and again for another', async () => {
    ask()
    await stage.pass(60_000)
    stage.redeclare()
    await stage.pass(60_000)
    expect(reasons().filter(reason => reason === 'DrillStarted')).toHaveLength(1)
    ask()
    await stage.pass(60_000)
    expect(stage.drillStatus?.history).toHaveLength(2)
  })

  it('is ignored, and told so, where it is asked for while one is under way', async () => {
    ask()
    await reach('verifying')
    ask()
    await isRestored()
    expect(reasons()).toEqual(['DrillStarted', 'DrillFailedOver', 'DrillIgnored', 'DrillFailedBack', 'DrillPassed'])
    expect(stage.drillStatus?.history).toHaveLength(1)
  })

  it('passes also where its evidence cannot be written, and says so', async () => {
    stage.disk.isFull = true
    ask()
    await isRestored()
    expect(reasons().slice(-2)).toEqual(['DrillPassed', 'EvidenceUnwritten'])
    expect(last()).toMatchObject({ verdict: 'pass' })
    expect(last()).not.toHaveProperty('evidence')
  })

  it('goes the other way round where the backup is declared active', async () => {
    stage.edit({ active: 'backup' })
    await stage.pass(10_000)
    ask()
    await isRestored()
    expect(last()).toMatchObject({ verdict: 'pass', from: 'backup', to: 'primary' })
  })

  it('comes when its schedule says so, once, and is told as missed where nobody was there in time', async () => {
    stage.edit({ drill: { schedule: '*/30 * * * *' } })
    await stage.pass(31 * 60_000)
    expect(stage.drillStatus?.history).toMatchObject([{ verdict: 'pass', trigger: 'schedule' }])
    stage.crash()
    stage.clock.goTo(stage.clock.now() + 45 * 60_000)
    await stage.pass(60_000)
    expect(reasons()).toContain('DrillMissed')
    expect(stage.drillStatus?.history).toHaveLength(1)
  })

  it.each([
    ['on its way there', undefined, 5001, 'FailoverSlow'],
    ['on its way back', 'verifying', 5001, 'FailbackSlow'],
    ['on its way there, for ever', undefined, Number.POSITIVE_INFINITY, 'FailoverTimeout'],
    ['on its way back, for ever', 'verifying', Number.POSITIVE_INFINITY, 'FailbackTimeout'],
  ])('that takes longer than its bound %s fails, and is failed back all the same', async (_where, phase, flipMs, reason) => {
    ask()
    if (phase) await reach(phase)
    stage.world.flipMs = flipMs
    await isRestored()
    expect(last()).toMatchObject({ verdict: 'fail', reason, restored: true })
    expect(reasons().at(-1)).toBe('DrillFailed')
    expect(conditions()).toMatchObject({ Proven: 'False DrillFailed' })
  })

  it('is overdue when none has passed for longer than declared', async () => {
    stage.edit({ drill: { overdueAfter: '1h' } })
    await stage.pass(30 * 60_000)
    expect(conditions()).toMatchObject({ Proven: 'Unknown NeverDrilled' })
    await stage.pass(31 * 60_000)
    expect(conditions()).toMatchObject({ Proven: 'False DrillOverdue' })
  })
})

describe('a drill is refused before anything is touched', () => {
  const cases: [string, string, () => void | Promise<void>][] = [
    ['the standby is dead', 'StandbyNotLive', () => void stage.world.deadAccounts.add('backup')],
    ['there is no backup', 'BackupNotDeclared', () => stage.edit({ backup: false })],
    ['the drill is suspended', 'DrillSuspended', () => stage.edit({ drill: { suspend: true } })],
    ['the feed is suspended', 'FeedSuspended', () => stage.edit({ suspend: true })],
    ['the market is open and shall be closed', 'MarketOpen', () => stage.edit({ drill: { market: 'closed' } })],
    ['the watchdog has flipped', 'OverrideInForce', () => feed()?.flip()],
    ['a revision has failed', 'FeedNotReady', () => stage.edit({ image: 'missing' })],
    [
      'the session ends too soon',
      'MarketChangesSoon',
      () => {
        stage.world.market = { open: true, nextChange: stage.clock.now() + 120_000 }
      },
    ],
    [
      'nobody knows how far behind consumers are',
      'ConsumersUnknown',
      () => {
        const [one] = stage.feeds()
        if (one) one.consumers = { message: 'no permission', items: [], omitted: 0 }
      },
    ],
    ['the feed is not declared', 'FeedNotFound', () => stage.edit({ drill: { feedRef: 'another' } })],
    [
      'the market is closed and shall be open',
      'MarketClosed',
      () => {
        stage.world.market = { open: false }
      },
    ],
    [
      'the standby has not all subscriptions acknowledged',
      'StandbyIncomplete',
      () => {
        const subscriptions = { desired: 2, acknowledged: 1, ticking: 1, rejected: 0 }
        feed()?.told.set('backup', { subscriptions })
      },
    ],
    [
      'no fresh tick comes to the standby',
      'StandbySilent',
      () => void feed()?.told.set('backup', { lastTickAt: stage.clock.now() }),
    ],
  ]
  it.each(cases)('where %s', async (_name, reason, prepare) => {
    await prepare()
    await stage.pass(90_000)
    const before = { writes: stage.writes.length, epoch: feed()?.epoch }
    ask()
    await stage.pass(1000)
    expect(last()).toMatchObject({ verdict: 'refused', reason })
    expect(reasons()).toEqual(['DrillRefused'])
    expect({ writes: stage.writes.length, epoch: feed()?.epoch }).toEqual(before)
  })

  it('where the feed does not answer, whatever it answered before', async () => {
    stage.world.isMute = true
    ask()
    await stage.pass(1000)
    expect(last()).toMatchObject({ verdict: 'refused', reason: 'FeedNotAnswering' })
  })

  it('where a revision is being rolled out', async () => {
    stage.edit({ image: 'never-logs-in' })
    await stage.pass(10_000)
    ask()
    await stage.pass(1000)
    expect(last()).toMatchObject({ verdict: 'refused', reason: 'RolloutInProgress' })
    expect(reasons()).toEqual(['DrillRefused'])
  })
})

describe('a drill that meets trouble is restored', () => {
  const silent = (account: Account) => () => void feed()?.told.set(account, { lastTickAt: 0 })
  const muteFor = (ms: number) => () => {
    stage.world.isMute = true
    stage.clock.after(ms, () => {
      stage.world.isMute = false
    })
  }
  const cases: [string, string, string, () => void][] = [
    ['the process of the feed is killed', 'fail', 'FeedRestarted', () => stage.running()[0]?.kill()],
    ['the feed does not answer for a while', 'fail', 'FeedLost', muteFor(10_000)],
    ['no fresh tick comes from the backup', 'fail', 'NotVerified', silent('backup')],
    ['no fresh tick comes from the primary when it is back', 'fail', 'NotVerified', silent('primary')],
    ['another secret makes a revision', 'aborted', 'RolloutBegan', () => rotate('another')],
    ['the backup dies', 'fail', 'AccountLost', () => void stage.world.deadAccounts.add('backup')],
    ['the watchdog flips back', 'fail', 'WatchdogIntervened', () => feed()?.flip()],
    ['an operator edits the feed', 'aborted', 'FeedEdited', () => stage.edit({ failback: 'auto' })],
    ['an operator suspends the feed', 'aborted', 'FeedEdited', () => stage.edit({ suspend: true })],
    ['an operator suspends the drill', 'aborted', 'DrillSuspended', () => stage.edit({ drill: { suspend: true } })],
    [
      'the session ends',
      'aborted',
      'MarketEnded',
      () => {
        stage.world.market = { open: false }
      },
    ],
    [
      'a gap is recorded',
      'fail',
      'GapRecorded',
      () => {
        const [one] = stage.feeds()
        if (one) one.gaps = 1
      },
    ],
  ]
  it.each(cases)('where %s', async (_name, verdict, reason, happen) => {
    ask()
    await reach('verifying')
    await stage.pass(500)
    happen()
    await isRestored()
    expect(last()).toMatchObject({ verdict, reason, restored: true })
    expect(stage.evidence[last()?.evidence ?? '']).toMatchObject({ run: { trouble: { reason } } })
    expect(reasons().slice(-2)).toEqual(['DrillRestoring', verdict === 'aborted' ? 'DrillAborted' : 'DrillFailed'])
  })

  it('where a session begins that it was not to meet', async () => {
    stage.edit({ drill: { market: 'closed' } })
    stage.world.market = { open: false }
    await stage.pass(60_000)
    ask()
    await reach('verifying')
    stage.world.market = { open: true }
    await isRestored()
    expect(last()).toMatchObject({ verdict: 'aborted', reason: 'MarketOpened', restored: true })
  })

  it('where a consumer falls behind', async () => {
    const consumers = (backlog: number) => {
      const [one] = stage.feeds()
      if (one) one.consumers = { items: [{ name: 'recorder', backlog, unacknowledged: 0 }], omitted: 0 }
    }
    consumers(50)
    await stage.pass(60_000)
    ask()
    await reach('verifying')
    consumers(1051)
    await isRestored()
    expect(last()).toMatchObject({ verdict: 'fail', reason: 'ConsumersBehind', consumers: [{ before: 50, worst: 1051 }] })
  })

  it('where a rollout begins, which goes on after it', async () => {
    ask()
    await reach('verifying')
    stage.edit({ image: 'good-2' })
    await isRestored()
    expect(last()?.verdict).toBe('aborted')
    expect(stage.running().map(({ image }) => image)).toEqual(['sim/good-2:1'])
  })

  it('where it is no longer declared, and is then forgotten', async () => {
    ask()
    await reach('verifying')
    stage.edit({ drill: undefined })
    await stage.pass(60_000)
    expect(feed()?.gate?.account).toBe('primary')
    const told = stage.events.findLast(({ kind }) => kind === 'FailoverDrill')
    expect(told).toMatchObject({ reason: 'DrillAborted', message: expect.stringMatching(/: DrillWithdrawn: /) })
    expect(Object.values(stage.evidence)).toMatchObject([{ result: { verdict: 'aborted', reason: 'DrillWithdrawn' } }])
    expect(stage.store.drills.list()).toEqual([])
  })

  it('where it is no longer declared, and leaves the evidence of those before', async () => {
    ask()
    await stage.pass(60_000)
    ask()
    await reach('verifying')
    stage.edit({ drill: undefined })
    await stage.pass(60_000)
    expect(Object.values(stage.evidence)).toMatchObject([{ result: { verdict: 'pass' } }, { result: { verdict: 'aborted' } }])
  })

  it('and tells where the account that it came from has died meanwhile: the feed goes on with the other one', async () => {
    ask()
    await reach('verifying')
    stage.world.deadAccounts.add('primary')
    await stage.pass(120_000)
    expect(last()).toMatchObject({ verdict: 'fail', restored: false })
    expect(feed()?.gate?.account).toBe('backup')
    stage.world.deadAccounts.clear()
    await stage.pass(30_000)
    expect(feed()?.gate?.account).toBe('primary')
  })
})

describe('a controller that dies in the middle', () => {
  it.each(['failing-over', 'verifying', 'failing-back', 'confirming', 'restoring'])(
    'of %s is followed by one that restores',
    async phase => {
      stage.dieAtPoint(`drill/${phase}`)
      ask()
      if (phase === 'restoring') {
        await reach('verifying')
        stage.world.deadAccounts.add('backup')
      }
      await stage.pass(20_000)
      expect(stage.deaths).toBe(1)
      await isRestored()
      const [verdict, reason] = phase === 'restoring' ? ['fail', 'AccountLost'] : ['aborted', 'ControllerRestarted']
      expect(last()).toMatchObject({ verdict, reason, restored: true })
    },
  )
})
