// needs: nats-server
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Account,
  feedKey,
  newPassword,
  type RotationStage,
  secretsOf,
  startRotationStage,
  writeSecretFile,
} from './rotation/stage.ts'
import { tracesOf } from './rotation/traces.ts'
import { until } from './services/deadline.ts'

// A password is changed at the broker, then in its file: nobody is told anything else. The tests tell one story, in order.

let stage: RotationStage
const before: Partial<Record<Account, string>> = {}

beforeAll(async () => {
  stage = await startRotationStage({
    sourceOf: account => `file: {path: ${account}}`,
    begin(directory, passwords) {
      for (const account of ['primary', 'backup'] as const)
        for (const [key, value] of Object.entries(secretsOf(account, passwords[account])))
          writeSecretFile(directory, account, key, value)
    },
  })
}, 120_000)

afterAll(() => stage?.stop(), 60_000)

const loginFailures = async (): Promise<number> => {
  const state = (await (await fetch(`http://127.0.0.1:${stage.simulator.control}/state`)).json()) as {
    counters: { loginFailures: number }
  }
  return state.counters.loginFailures
}

const keepsPublishing = async (were: object) => {
  await stage.moreTicks(4)
  expect(stage.complaints()).toEqual(were)
}

describe('a rotated password', () => {
  it.each([
    { account: 'primary', which: 'active', revision: 2 },
    { account: 'backup', which: 'standby', revision: 3 },
  ] as const)('of the $which account is taken over by a handover: no tick lost, none twice', async ({ account, revision }) => {
    const were = stage.complaints()
    before[account] = stage.passwords[account]
    stage.changeAtBroker(account, newPassword())
    writeSecretFile(stage.directory, account, 'PASSWORD', stage.passwords[account])
    await stage.serves(revision)
    expect(await stage.status()).toMatchObject({
      ...{ strategy: 'Handover', strategyReason: expect.stringContaining('allow two logins'), active: 'primary' },
      standby: { account: 'backup', state: 'live' },
    })
    await keepsPublishing(were)
    expect(stage.complaints()).toMatchObject({ missing: 0, duplicates: 0, stale: 0, gaps: 0 })
    expect(await loginFailures()).toBe(0)
    const reasons = (await stage.controller.events(feedKey)).map(({ reason }) => reason)
    expect(reasons).toContain('ProvenMuted')
  })

  it('is nowhere on the host any more: in no file, no environment, no arguments', () => {
    for (const account of ['primary', 'backup'] as const) {
      expect(before[account]).toMatch(/^CANARY-/)
      expect(tracesOf(before[account] ?? '', [stage.directory]), account).toEqual([])
      // The new one is where it belongs, and this looks where it would be seen.
      const places = tracesOf(stage.passwords[account], [stage.directory]).map(file => file.replace(stage.directory, ''))
      expect(places.sort()).toEqual([
        `/secrets/${account}/PASSWORD`,
        expect.stringMatching(new RegExp(`^/state/.*/secrets/${account}/PASSWORD$`)),
      ])
      expect(stage.controller.log).not.toContain(before[account])
    }
  })
})

describe('a password that the front refuses', () => {
  it.each([
    { account: 'primary', which: 'active' },
    { account: 'backup', which: 'standby' },
  ] as const)('of the $which account leaves the process that publishes as it is, and is told', async ({ account }) => {
    const were = stage.complaints()
    const running = stage.workloads()[0]?.process?.pid
    const failures = await loginFailures()
    const wrong = newPassword()
    writeSecretFile(stage.directory, account, 'PASSWORD', wrong)
    const rolledBack = await until('the revision to be rolled back', async () => {
      const condition = await stage.condition('RolledBack')
      return (await stage.status()).phase === undefined && condition?.status === 'True' && condition
    })
    expect(rolledBack.reason).toBe('LoginRefused')
    expect(rolledBack.message).toContain(account)
    expect(await stage.condition('CredentialsReady')).toMatchObject({ status: 'False', reason: 'LoginRefused' })
    await until('the refused process to be removed', () => stage.workloads().length === 1)
    expect(stage.workloads()[0]?.process?.pid).toBe(running)
    expect(await stage.status()).toMatchObject({ revision: 3, standby: { state: 'live' } })
    await keepsPublishing(were)
    // A broker locks an account after a few wrong passwords.
    expect((await loginFailures()) - failures).toBe(1)
    // A folder goes a moment after its record.
    const onlyPlace = `${stage.directory}/secrets/${account}/PASSWORD`
    await until('the wrong one to be in its file alone', () => tracesOf(wrong, [stage.directory]).join() === onlyPlace)
    writeSecretFile(stage.directory, account, 'PASSWORD', stage.passwords[account])
    await stage.serves(3)
    expect(await stage.condition('CredentialsReady')).toMatchObject({ status: 'True' })
    expect(await stage.condition('RolledBack')).toBeUndefined()
    expect(tracesOf(wrong, [stage.directory])).toEqual([])
    expect(stage.workloads()[0]?.process?.pid).toBe(running)
  })
})
